{{ config(materialized='view') }}

-- M14 as clients see it, per hour: what adds up. Percentiles of an hour don't follow from those of its parts; those of
-- the requests that reach a Worker are in api_requests_hourly.
select
    request_date,
    {{ bucket_start('bucket_start', 3600) }} as hour_start,
    host,
    endpoint,
    method,
    {{ whole('sum(requests)') }} as requests,
    {{ whole('sum(estimated_requests)') }} as estimated_requests,
    {{ whole('sum(cache_hits)') }} as cache_hit_rate_numerator,
    {{ whole('sum(requests)') }} as cache_hit_rate_denominator,
    {{ whole('sum(client_errors)') }} as client_errors,
    {{ whole('sum(server_errors)') }} as server_errors,
    {{ whole('sum(server_errors)') }} as error_rate_numerator,
    {{ whole('sum(requests)') }} as error_rate_denominator,
    {{ whole('sum(duration_sum_ms)') }} as duration_sum_ms,
    max(duration_max_ms) as duration_max_ms,
    max(last_request_at) as as_of_time
from {{ ref('int_api__edge_requests_5min') }}
group by request_date, hour_start, host, endpoint, method
