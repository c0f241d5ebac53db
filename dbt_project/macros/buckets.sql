{#-
Start of the bucket of so many seconds that a time lies in; buckets divide the UTC day. Microseconds, because the embedded
warehouse rounds unix_seconds up.
-#}
{% macro bucket_start(time, seconds) -%}
    timestamp_micros(unix_micros({{ time }}) - mod(unix_micros({{ time }}), {{ seconds * 1000000 }}))
{%- endmacro %}


{#- The first full minute at or after a time. -#}
{% macro next_minute(time) -%}
    timestamp_micros(
        unix_micros({{ time }}) + mod((60000000 - mod(unix_micros({{ time }}), 60000000)), 60000000)
    )
{%- endmacro %}


{#-
Percentile by nearest rank, exact on both engines: the smallest value that `share` per cent of all values don't exceed.
`place` is the value's row number in its group, in order of the values, and `total` the group's number of rows.
-#}
{% macro percentile(value, share, place='place', total='total') -%}
    max(if(
        {{ place }} * 100 >= {{ total }} * {{ share }} and ({{ place }} - 1) * 100 < {{ total }} * {{ share }},
        {{ value }}, null
    ))
{%- endmacro %}


{#- Requests that the Workers logged, per endpoint and bucket of so many seconds: the body of int_api__requests_*. -#}
{% macro api_requests(seconds) -%}
    with requests as (
        select
            *,
            {{ bucket_start('logged_at', seconds) }} as bucket_start
        from {{ ref('stg_cloudflare__worker_logs') }}
        where
            kind = 'api_request' and event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', rebuild_days()) }}
            {% endif %}
    ),

    placed as (
        select
            *,
            row_number() over (
                partition by event_date, bucket_start, service, endpoint, method
                order by duration_ms, object_uri, line_number, log_position
            ) as place,
            count(*) over (partition by event_date, bucket_start, service, endpoint, method) as total
        from requests
    )

    select
        event_date as request_date,
        bucket_start,
        service,
        endpoint,
        method,
        count(*) as requests,
        {{ count_where('status_code between 400 and 499') }} as client_errors,
        {{ count_where('status_code >= 500') }} as server_errors,
        {{ whole('sum(duration_ms)') }} as duration_sum_ms,
        {{ whole(percentile('duration_ms', 50)) }} as duration_p50_ms,
        {{ whole(percentile('duration_ms', 95)) }} as duration_p95_ms,
        {{ whole(percentile('duration_ms', 99)) }} as duration_p99_ms,
        max(duration_ms) as duration_max_ms,
        max(logged_at) as last_request_at
    from placed
    group by event_date, bucket_start, service, endpoint, method
{%- endmacro %}


{#- Depths that a queue told, per bucket of so many seconds: the body of int_queue__depth_*. -#}
{% macro queue_depths(seconds) -%}
    with depths as (
        select
            *,
            {{ bucket_start('logged_at', seconds) }} as bucket_start
        from {{ ref('stg_cloudflare__worker_logs') }}
        where
            kind = 'queue_depth' and event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', rebuild_days()) }}
            {% endif %}
    ),

    placed as (
        select
            *,
            row_number() over (
                partition by event_date, bucket_start, queue
                order by depth, object_uri, line_number, log_position
            ) as place,
            count(*) over (partition by event_date, bucket_start, queue) as total
        from depths
    )

    select
        event_date as depth_date,
        bucket_start,
        queue,
        count(*) as samples,
        {{ whole('sum(depth)') }} as depth_sum,
        {{ whole(percentile('depth', 95)) }} as depth_p95,
        max(depth) as depth_max,
        max(oldest_ms) as oldest_max_ms,
        max(logged_at) as last_sample_at
    from placed
    group by event_date, bucket_start, queue
{%- endmacro %}


{#- Path of a request with a placeholder for each segment that holds a digit: ids, pseudonyms, hashed file names. -#}
{% macro endpoint_of(path) -%}
    regexp_replace({{ path }}, r'/[^/]*[0-9][^/]*', '/:id')
{%- endmacro %}
