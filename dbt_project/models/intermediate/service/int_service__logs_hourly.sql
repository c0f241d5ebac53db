{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'log_date', 'data_type': 'date'},
    cluster_by=['service'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M15: what goes wrong in each service, per hour: runs that ended in an exception, lines of level error and warn, and
-- errors and slow queries that the Workers logged as such.
with traces as (
    select
        event_date,
        {{ bucket_start('event_at', 3600) }} as hour_start,
        script_name as service,
        count(*) as invocations,
        {{ count_where('exception_count > 0') }} as exceptions,
        {{ whole('sum(error_log_count)') }} as error_lines,
        {{ whole('sum(warning_log_count)') }} as warning_lines,
        0 as errors,
        0 as slow_queries,
        cast(null as int64) as slowest_query_ms,
        max(event_at) as last_log_at
    from {{ ref('stg_cloudflare__worker_traces') }}
    where
        event_at is not null and script_name is not null and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by event_date, hour_start, service
),

logged as (
    select
        event_date,
        {{ bucket_start('logged_at', 3600) }} as hour_start,
        service,
        0 as invocations,
        0 as exceptions,
        0 as error_lines,
        0 as warning_lines,
        {{ count_where("kind = 'error'") }} as errors,
        {{ count_where("kind = 'slow_query'") }} as slow_queries,
        max(if(kind = 'slow_query', duration_ms, null)) as slowest_query_ms,
        max(logged_at) as last_log_at
    from {{ ref('stg_cloudflare__worker_logs') }}
    where
        kind in ('error', 'slow_query') and service is not null and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by event_date, hour_start, service
),

both as (
    select * from traces
    union all
    select * from logged
)

select
    event_date as log_date,
    hour_start,
    service,
    {{ whole('sum(invocations)') }} as invocations,
    {{ whole('sum(exceptions)') }} as exceptions,
    {{ whole('sum(error_lines)') }} as error_lines,
    {{ whole('sum(warning_lines)') }} as warning_lines,
    {{ whole('sum(errors)') }} as errors,
    {{ whole('sum(slow_queries)') }} as slow_queries,
    max(slowest_query_ms) as slowest_query_ms,
    max(last_log_at) as last_log_at
from both
group by event_date, hour_start, service
