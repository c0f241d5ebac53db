{{ config(materialized='view') }}

-- M15. The same grain as below, so nothing is stored twice.
select
    log_date,
    hour_start,
    service,
    invocations,
    exceptions,
    exceptions as exception_rate_numerator,
    invocations as exception_rate_denominator,
    error_lines,
    warning_lines,
    errors,
    slow_queries,
    slowest_query_ms,
    last_log_at as as_of_time
from {{ ref('int_service__logs_hourly') }}
