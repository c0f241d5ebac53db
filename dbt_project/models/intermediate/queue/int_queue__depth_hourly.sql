{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'depth_date', 'data_type': 'date'},
    partitions=date_literals(rebuild_days()),
    cluster_by=['queue'],
) }}

-- M10: the same per hour, for percentiles of an hour don't follow from those of its parts.
{{ queue_depths(3600) }}
