{{ config(materialized='view') }}

-- M10, per five minutes. The same grain as below, so nothing is stored twice.
select
    depth_date,
    bucket_start,
    queue,
    depth_sum as mean_depth_numerator,
    samples as mean_depth_denominator,
    depth_p95,
    depth_max,
    oldest_max_ms,
    last_sample_at as as_of_time
from {{ ref('int_queue__depth_5min') }}
