{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'request_date', 'data_type': 'date'},
    cluster_by=['endpoint'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M14 seen from the edge: every request that a client made, also those that no Worker ran for. Worker subrequests are
-- no requests of a client. A sampled job logs some requests for all; the estimates weight each by what it stands for.
-- Fields are opt-in: a job may log neither host, nor path, nor method.
with requests as (
    select
        event_date,
        {{ bucket_start('edge_start_at', 300) }} as bucket_start,
        coalesce(host, '(not logged)') as host,
        coalesce({{ endpoint_of('path') }}, '(not logged)') as endpoint,
        coalesce(method, '(not logged)') as method,
        status_code,
        cache_status,
        sample_rate,
        edge_start_at,
        timestamp_diff(edge_end_at, edge_start_at, millisecond) as duration_ms
    from {{ ref('stg_cloudflare__http_requests') }}
    where
        event_date is not null and edge_start_at is not null and parent_ray_id is null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
),

placed as (
    {{ placed('requests', ['event_date', 'bucket_start', 'host', 'endpoint', 'method'], 'duration_ms') }}
)

select
    event_date as request_date,
    bucket_start,
    host,
    endpoint,
    method,
    count(*) as requests,
    {{ whole('round(sum(1 / sample_rate))') }} as estimated_requests,
    {{ count_where("cache_status in ('hit', 'stale', 'updating', 'revalidated', 'stream_hit')") }} as cache_hits,
    {{ count_where('status_code between 400 and 499') }} as client_errors,
    {{ count_where('status_code >= 500') }} as server_errors,
    {{ whole('coalesce(sum(duration_ms), 0)') }} as duration_sum_ms,
    {{ percentiles('duration_ms', 'duration_p*_ms') }},
    max(duration_ms) as duration_max_ms,
    max(edge_start_at) as last_request_at
from placed
group by event_date, bucket_start, host, endpoint, method
