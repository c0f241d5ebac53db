{{ config(materialized='view') }}

-- M14 as clients see it: also what no Worker ran for. The same grain as below, so nothing is stored twice.
select
    request_date,
    bucket_start,
    host,
    endpoint,
    method,
    requests,
    estimated_requests,
    cache_hits as cache_hit_rate_numerator,
    requests as cache_hit_rate_denominator,
    client_errors,
    server_errors,
    server_errors as error_rate_numerator,
    requests as error_rate_denominator,
    duration_sum_ms,
    duration_p50_ms,
    duration_p95_ms,
    duration_p99_ms,
    duration_max_ms,
    last_request_at as as_of_time
from {{ ref('int_api__edge_requests_5min') }}
