{{ config(materialized='table') }}
{%- set window_start = timestamp_literal(parse_instant(var('window_start'))) -%}
{%- set window_end = timestamp_literal(parse_instant(var('window_end'))) -%}
{%- set in_window = 'window_start < ' ~ window_end ~ ' and window_end > ' ~ window_start -%}
{%- set events = [
    ('solana', 'stg_solana__transactions', 'block_time'),
    ('stripe', 'stg_stripe__balance_transactions', 'created_at'),
    ('stripe', 'stg_stripe__charges', 'created_at'),
    ('stripe', 'stg_stripe__events', 'created_at'),
    ('firebase', 'stg_firestore__changes', 'changed_at'),
    ('firebase', 'stg_cloud_logging__entries', 'logged_at'),
    ('cloudflare', 'stg_cloudflare__http_requests', 'edge_start_at'),
    ('cloudflare', 'stg_cloudflare__worker_traces', 'event_at'),
] %}

-- M24: how the warehouse itself does, a row a source. Manifest and attempts are small tables that are read whole; event
-- times only from the days that the run rebuilds.
with objects as (
    select
        source,
        count(*) as objects,
        {{ count_where("state = 'landed'") }} as objects_pending,
        {{ count_where(in_window) }} as window_objects,
        {{ whole('coalesce(sum(rows_loaded), 0)') }} as rows_loaded,
        {{ whole('coalesce(sum(rows_quarantined), 0)') }} as rows_quarantined,
        {{ whole('coalesce(sum(if(' ~ in_window ~ ', rows_loaded, 0)), 0)') }} as window_rows_loaded,
        {{ whole('coalesce(sum(if(' ~ in_window ~ ', rows_quarantined, 0)), 0)') }} as window_rows_quarantined,
        max(landed_at) as newest_landed_at,
        max(loaded_at) as newest_loaded_at,
        max(if({{ in_window }}, timestamp_diff(loaded_at, landed_at, second), null)) as max_load_lag_seconds
    from {{ ref('stg_warehouse__objects') }}
    group by source
),

event_days as (
    select
        objects.source,
        max(safe_cast(day as date)) as newest_event_date
    from {{ ref('stg_warehouse__objects') }} as objects
    cross join unnest(json_value_array(objects.event_dates)) as day
    group by objects.source
),

event_times as (
    {% for source, model, column in events %}
        select
            '{{ source }}' as source,
            max({{ column }}) as newest_event_at
        from {{ ref(model) }}
        where {{ on_days('event_date', rebuild_days()) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

newest_events as (
    select
        source,
        max(newest_event_at) as newest_event_at
    from event_times
    group by source
),

attempts as (
    select
        source,
        count(*) as window_attempts,
        {{ count_where("outcome <> 'ok'") }} as window_attempts_failed,
        {{ whole('coalesce(sum(bytes_scanned), 0)') }} as window_bytes_scanned,
        {{ whole('coalesce(sum(timestamp_diff(ended_at, started_at, second)), 0)') }} as window_run_seconds
    from {{ ref('stg_warehouse__attempts') }}
    where source is not null and {{ in_window }}
    group by source
),

last_attempts as (
    select
        source,
        step as last_attempt_step,
        outcome as last_attempt_outcome,
        ended_at as last_attempt_at
    from {{ ref('stg_warehouse__attempts') }}
    where source is not null
    qualify row_number() over (partition by source order by ended_at desc, attempt_id desc) = 1
),

reasons as (
    select
        source,
        reason_code,
        count(*) as findings
    from {{ ref('stg_warehouse__quarantine') }}
    where {{ on_days('event_date', rebuild_days()) }}
    group by source, reason_code
),

quarantine as (
    select
        source,
        string_agg(concat(reason_code, ': ', cast(findings as string)), ', ' order by reason_code) as reasons
    from reasons
    group by source
),

sources as (
    select source from objects
    union distinct
    select source from attempts
)

select
    sources.source,
    {{ window_start }} as window_start,
    {{ window_end }} as window_end,
    event_days.newest_event_date,
    newest_events.newest_event_at,
    objects.newest_landed_at,
    objects.newest_loaded_at,
    coalesce(objects.objects, 0) as objects,
    coalesce(objects.objects_pending, 0) as objects_pending,
    coalesce(objects.window_objects, 0) as window_objects,
    coalesce(objects.rows_loaded, 0) as rows_loaded,
    coalesce(objects.rows_quarantined, 0) as rows_quarantined,
    coalesce(objects.window_rows_loaded, 0) as window_rows_loaded,
    coalesce(objects.window_rows_quarantined, 0) as window_rows_quarantined,
    quarantine.reasons as quarantine_reasons,
    objects.max_load_lag_seconds,
    coalesce(attempts.window_attempts, 0) as window_attempts,
    coalesce(attempts.window_attempts_failed, 0) as window_attempts_failed,
    coalesce(attempts.window_run_seconds, 0) as window_run_seconds,
    coalesce(attempts.window_bytes_scanned, 0) as window_bytes_scanned,
    last_attempts.last_attempt_step,
    last_attempts.last_attempt_outcome,
    last_attempts.last_attempt_at
from sources
left join objects on sources.source = objects.source
left join event_days on sources.source = event_days.source
left join newest_events on sources.source = newest_events.source
left join attempts on sources.source = attempts.source
left join last_attempts on sources.source = last_attempts.source
left join quarantine on sources.source = quarantine.source
