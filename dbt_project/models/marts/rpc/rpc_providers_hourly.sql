{{ config(materialized='view') }}

-- M9 per hour: the calls of the hour, and how much of it the provider was out. An outage that is still open counts up
-- to its last failed call, and later calls may extend it over hours that are past, so nothing is stored here.
with spans as (
    select
        outages.provider,
        hour as hour_start,
        hour = {{ bucket_start('outages.started_at', 3600) }} as is_start,
        greatest(outages.started_at, hour) as from_time,
        least(coalesce(outages.ended_at, outages.last_failed_at), timestamp_add(hour, interval 1 hour)) as until_time
    from {{ ref('int_rpc__outages') }} as outages
    cross join unnest(generate_timestamp_array(
        {{ bucket_start('outages.started_at', 3600) }},
        coalesce(outages.ended_at, outages.last_failed_at),
        interval 1 hour
    )) as hour
),

out as (
    select
        provider,
        hour_start,
        {{ count_where('is_start') }} as outages_started,
        {{ whole('sum(unix_micros(until_time) - unix_micros(from_time))') }} as outage_micros,
        max(until_time) as until_time
    from spans
    group by provider, hour_start
)

select
    coalesce(hours.call_date, date(out.hour_start)) as call_date,
    coalesce(hours.hour_start, out.hour_start) as hour_start,
    coalesce(hours.provider, out.provider) as provider,
    coalesce(hours.calls, 0) as calls,
    coalesce(hours.failures, 0) as failures,
    coalesce(hours.failure_rate_numerator, 0) as failure_rate_numerator,
    coalesce(hours.failure_rate_denominator, 0) as failure_rate_denominator,
    hours.latency_p50_ms,
    hours.latency_p95_ms,
    hours.latency_p99_ms,
    hours.latency_max_ms,
    hours.slot_lag_max,
    coalesce(hours.slot_lag_samples, 0) as slot_lag_samples,
    coalesce(hours.failovers, 0) as failovers,
    coalesce(out.outages_started, 0) as outages_started,
    coalesce(div(out.outage_micros, 1000), 0) as outage_ms,
    greatest(coalesce(hours.as_of_time, out.until_time), coalesce(out.until_time, hours.as_of_time)) as as_of_time
from {{ ref('int_rpc__providers_hourly') }} as hours
full outer join out
    on hours.provider = out.provider and hours.hour_start = out.hour_start
