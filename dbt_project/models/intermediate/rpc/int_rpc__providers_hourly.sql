{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'call_date', 'data_type': 'date'},
    partitions=date_literals(rpc_days()),
    cluster_by=['provider'],
) }}

{{ rpc_providers(3600, 'hour_start') }}
