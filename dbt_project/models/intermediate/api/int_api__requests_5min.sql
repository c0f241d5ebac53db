{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'request_date', 'data_type': 'date'},
    cluster_by=['endpoint'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M14: requests by endpoint, as the Workers logged them, per five minutes of the day that they say.
{{ api_requests(300) }}
