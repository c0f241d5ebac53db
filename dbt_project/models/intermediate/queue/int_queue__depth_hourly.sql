{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'depth_date', 'data_type': 'date'},
    cluster_by=['queue'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M10: the same per hour, for percentiles of an hour don't follow from those of its parts.
{{ queue_depths(3600) }}
