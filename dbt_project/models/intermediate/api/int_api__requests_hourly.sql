{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'request_date', 'data_type': 'date'},
    partitions=date_literals(rebuild_days()),
    cluster_by=['endpoint'],
) }}

-- M14: the same per hour, for percentiles of an hour don't follow from those of its parts.
{{ api_requests(3600) }}
