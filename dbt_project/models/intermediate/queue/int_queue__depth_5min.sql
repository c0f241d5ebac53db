{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'depth_date', 'data_type': 'date'},
    partitions=date_literals(rebuild_days()),
    cluster_by=['queue'],
) }}

-- M10: queue depth, as the Durable Objects logged it, per five minutes of the day that they say.
{{ queue_depths(300) }}
