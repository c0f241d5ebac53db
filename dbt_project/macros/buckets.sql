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


{#-
Rows of a relation with what `percentile` asks for: their place among the rows of the same key, in order of a value, and
how many rows of the key have one. Rows that tie are the same to a percentile, so nothing breaks the tie.
-#}
{% macro placed(relation, keys, value) -%}
    select
        *,
        row_number() over (
            partition by {{ keys | join(', ') }}
            order by {{ value }} nulls last
        ) as place,
        count({{ value }}) over (partition by {{ keys | join(', ') }}) as total
    from {{ relation }}
{%- endmacro %}


{#- Columns of percentiles over `placed` rows; '*' in their name stands for the share. -#}
{% macro percentiles(value, name, shares=[50, 95, 99]) -%}
    {%- for share in shares %}
        {{ whole(percentile(value, share)) }} as {{ name | replace('*', share | string) }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}


{#-
Requests that the Workers logged, per endpoint and bucket of so many seconds: the body of int_api__requests_*. A run of
failures is counted in order of time; of requests of the same instant the failed ones come last.
-#}
{% macro api_requests(seconds) -%}
    {%- set keys = ['event_date', 'bucket_start', 'service', 'endpoint', 'method'] -%}
    with requests as (
        select
            *,
            {{ bucket_start('logged_at', seconds) }} as bucket_start,
            {{ bucket_start('logged_at', 300) }} as five_minutes,
            coalesce(status_code >= 500, false) as has_failed
        from {{ ref('stg_cloudflare__worker_logs') }}
        where
            kind = 'api_request' and event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', rebuild_days()) }}
            {% endif %}
    ),

    placed as (
        {{ placed('requests', keys, 'duration_ms') }}
    ),

    -- Requests of the day that succeeded so far: what fails between two successes is one run.
    counted as (
        select
            *,
            sum(if(has_failed, 0, 1)) over (
                partition by event_date, service, endpoint, method
                order by logged_at, has_failed, place
                rows between unbounded preceding and current row
            ) as successes,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by logged_at desc, has_failed desc, place desc
            ) as place_from_end
        from placed
    ),

    running as (
        select
            *,
            sum(if(has_failed, 1, 0)) over (
                partition by event_date, service, endpoint, method, successes
                order by logged_at, has_failed, place
                rows between unbounded preceding and current row
            ) as failed_run
        from counted
    )

    select
        event_date as request_date,
        bucket_start,
        service,
        endpoint,
        method,
        count(*) as requests,
        {{ count_where('status_code between 400 and 499') }} as client_errors,
        {{ count_where('has_failed') }} as server_errors,
        {{ whole('sum(duration_ms)') }} as duration_sum_ms,
        {{ percentiles('duration_ms', 'duration_p*_ms') }},
        max(duration_ms) as duration_max_ms,
        {{ whole('max(failed_run)') }} as failed_run_max,
        {{ whole('max(if(place_from_end = 1, failed_run, null))') }} as failed_run_at_end,
        {{ whole('max(if(successes = 0, failed_run, null))') }} as failed_since_midnight,
        {{ whole('max(successes)') }} as successes_since_midnight,
        count(distinct if(has_failed, null, five_minutes)) as uptime_numerator,
        count(distinct five_minutes) as uptime_denominator,
        max(logged_at) as last_request_at
    from running
    group by event_date, bucket_start, service, endpoint, method
{%- endmacro %}


{#-
Requests per endpoint and bucket with their rates' parts, and with runs of failures that go on over midnight: the body of
api_requests_*. A run is counted back to the start of the UTC day before, so that a day needs one more day to be built.
-#}
{% macro api_figures(relation, bucket, minutes) -%}
    {%- set days = looking_back_days(1) -%}
    with calls as (
        select *
        from {{ relation }}
        {% if is_incremental() %}
            where {{ on_days('request_date', and_days_before(days, 1)) }}
        {% endif %}
    ),

    -- The run that each day leaves to the next.
    openings as (
        select
            date_add(request_date, interval 1 day) as request_date,
            service,
            endpoint,
            method,
            failed_run_at_end as failed_before
        from calls
        where true  -- BigQuery wants a WHERE beside QUALIFY
        qualify row_number() over (
            partition by request_date, service, endpoint, method
            order by bucket_start desc
        ) = 1
    )

    select
        calls.request_date,
        calls.bucket_start as {{ bucket }},
        calls.service,
        calls.endpoint,
        calls.method,
        calls.requests,
        calls.requests as requests_per_minute_numerator,
        {{ minutes }} as requests_per_minute_denominator,
        calls.client_errors,
        calls.server_errors,
        calls.server_errors as error_rate_numerator,
        calls.requests as error_rate_denominator,
        calls.duration_sum_ms,
        calls.duration_p50_ms,
        calls.duration_p95_ms,
        calls.duration_p99_ms,
        calls.duration_max_ms,
        greatest(
            calls.failed_run_max, coalesce(calls.failed_since_midnight + coalesce(openings.failed_before, 0), 0)
        ) as failed_run_max,
        calls.failed_run_at_end
        + if(calls.successes_since_midnight = 0, coalesce(openings.failed_before, 0), 0) as failed_run_at_end,
        calls.uptime_numerator,
        calls.uptime_denominator,
        calls.last_request_at as as_of_time
    from calls
    left join openings
        on
            calls.request_date = openings.request_date
            and calls.service = openings.service
            and calls.endpoint = openings.endpoint
            and calls.method = openings.method
    {% if is_incremental() %}
        where {{ on_days('calls.request_date', days) }}
    {% endif %}
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
        {{ placed('depths', ['event_date', 'bucket_start', 'queue'], 'depth') }}
    )

    select
        event_date as depth_date,
        bucket_start,
        queue,
        count(*) as samples,
        {{ whole('sum(depth)') }} as depth_sum,
        {{ percentiles('depth', 'depth_p*', [95]) }},
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
