{{ config(materialized='view') }}

-- M7 per hour: the relay's own times, and the transactions of the hour's blocks that were seen waiting for long. What
-- is pending changes long after its hour, so nothing is stored here.
with pending as (
    select
        {{ bucket_start('coalesce(block_time, first_seen_at)', 3600) }} as hour_start,
        {{ count_where('age_minutes >= 10') }} as pending_over_10_min,
        max(as_of_time) as as_of_time
    from {{ ref('chain_pending') }}
    group by {{ bucket_start('coalesce(block_time, first_seen_at)', 3600) }}
    having countif(age_minutes >= 10) > 0
)

select
    coalesce(told.confirmation_date, date(pending.hour_start)) as confirmation_date,
    coalesce(told.hour_start, pending.hour_start) as hour_start,
    told.confirmed,
    told.expired,
    told.confirmation_sum_ms as mean_confirmation_numerator,
    told.confirmed as mean_confirmation_denominator,
    told.confirmation_p50_ms,
    told.confirmation_p95_ms,
    told.confirmation_p99_ms,
    told.confirmation_max_ms,
    coalesce(pending.pending_over_10_min, 0) as pending_over_10_min,
    greatest(coalesce(told.as_of_time, pending.as_of_time), coalesce(pending.as_of_time, told.as_of_time)) as as_of_time
from {{ ref('int_chain__confirmations_hourly') }} as told
full outer join pending
    on told.hour_start = pending.hour_start
