{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'request_date', 'data_type': 'date'},
    cluster_by=['endpoint'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M14: the same per hour, for percentiles of an hour don't follow from those of its parts.
{{ api_requests(3600) }}
