{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'depth_date', 'data_type': 'date'},
    cluster_by=['queue'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M10: queue depth, as the Durable Objects logged it, per five minutes of the day that they say.
{{ queue_depths(300) }}
