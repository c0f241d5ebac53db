{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'call_date', 'data_type': 'date'},
    cluster_by=['provider'],
) }}
{{ states_partitions(rpc_days()) }}

{{ rpc_providers(300, 'bucket_start') }}
