{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'finding_date', 'data_type': 'date'},
) }}
{{ states_partitions(finding_days()) }}
{%- set days = finding_days() %}
{%- set beats = var('audit_heartbeat_minutes') %}

-- What is wrong with the times of audit records: a clock that went back, and streams that were silent for longer than
-- their heartbeat. Any record is a sign of life. A heartbeat is due each interval after the last record and belongs to
-- the day that it is due on, so that a silence over midnight counts each missing one once.
with numbers as (
    select
        event_date,
        stream,
        seq,
        min(recorded_at) as recorded_at
    from {{ ref('stg_platform__audit_events') }}
    {% if is_incremental() %}
        where {{ on_days('event_date', days) }}
    {% else %}
        where event_date is not null
    {% endif %}
    group by event_date, stream, seq
),

runs as (
    select
        *,
        max(last_seq) over (
            partition by stream
            order by first_seq, last_seq, event_date
            rows between unbounded preceding and 1 preceding
        ) as last_seq_before
    from {{ ref('int_audit__stream_runs') }}
),

-- Inside a day, against the record before that is held; between days, against the run before.
followed as (
    select
        event_date,
        stream,
        seq,
        recorded_at,
        lag(recorded_at) over (partition by event_date, stream order by seq) as recorded_before
    from numbers

    union all

    select
        runs.event_date,
        runs.stream,
        runs.first_seq as seq,
        runs.first_recorded_at as recorded_at,
        before.last_recorded_at as recorded_before
    from runs
    inner join runs as before
        on
            runs.stream = before.stream
            and runs.last_seq_before = before.last_seq
            and runs.first_seq > before.last_seq
            and runs.event_date < before.event_date
),

backwards as (
    select
        event_date as finding_date,
        'clock_back' as kind,
        stream,
        seq as from_seq,
        seq as to_seq,
        1 as occurrences,
        recorded_at as happened_at,
        max(timestamp_diff(recorded_before, recorded_at, millisecond)) as back_ms
    from followed
    where recorded_at < recorded_before
    group by event_date, stream, seq, recorded_at
),

beats as (
    {% for stream, minutes in beats.items() %}
        select
            '{{ stream }}' as stream,
            {{ minutes }} as minutes
        {% if not loop.last %}union all{% endif %}
    {% else %}
        select
            '' as stream,
            1 as minutes
        from unnest(array<int64>[]) as nothing
    {% endfor %}
),

-- Days of each stream from its first record on.
lives as (
    select
        beats.stream,
        beats.minutes,
        min(runs.event_date) as first_day
    from beats
    inner join {{ ref('int_audit__stream_runs') }} as runs on beats.stream = runs.stream
    group by beats.stream, beats.minutes
),

stream_days as (
    select
        lives.stream,
        lives.minutes,
        day
    from lives
    cross join unnest(generate_date_array(lives.first_day, date '{{ covered_day() }}')) as day
    {% if is_incremental() %}
        where {{ on_days('day', days) }}
    {% endif %}
),

signs as (
    select
        stream_days.stream,
        stream_days.minutes,
        stream_days.day,
        numbers.seq,
        numbers.recorded_at
    from stream_days
    inner join numbers on stream_days.stream = numbers.stream and stream_days.day = numbers.event_date

    union all

    select
        stream_days.stream,
        stream_days.minutes,
        stream_days.day,
        runs.last_seq as seq,
        runs.last_recorded_at as recorded_at
    from stream_days
    inner join runs on stream_days.stream = runs.stream and stream_days.day > runs.event_date
    qualify row_number() over (
        partition by stream_days.stream, stream_days.day order by runs.last_recorded_at desc, runs.last_seq desc
    ) = 1
),

silences as (
    select
        *,
        unix_micros(recorded_at) as from_us,
        minutes * 60000000 as beat_us,
        unix_micros(timestamp(day)) as day_us,
        unix_micros(coalesce(
            lead(recorded_at) over (partition by stream, day order by recorded_at, seq),
            least(timestamp(date_add(day, interval 1 day)), {{ settled_until() }})
        )) as until_us
    from signs
),

-- Heartbeats due strictly before an instant, counted from the last record.
due as (
    select
        *,
        greatest(div((until_us - from_us + beat_us - 1), beat_us) - 1, 0) as due_until,
        greatest(div((day_us - from_us + beat_us - 1), beat_us) - 1, 0) as due_before_day
    from silences
),

silent as (
    select
        day as finding_date,
        'missing_heartbeat' as kind,
        stream,
        seq as from_seq,
        seq as to_seq,
        {{ whole('due_until - due_before_day') }} as occurrences,
        timestamp_micros({{ whole('from_us + (due_before_day + 1) * beat_us') }}) as happened_at,
        minutes
    from due
    where due_until > due_before_day
)

select
    finding_date,
    kind,
    stream,
    from_seq,
    to_seq,
    occurrences,
    happened_at,
    concat(cast(back_ms as string), ' ms earlier than the record before') as detail
from backwards
{% if is_incremental() %}
    where {{ on_days('finding_date', days) }}
{% endif %}

union all

select
    finding_date,
    kind,
    stream,
    from_seq,
    to_seq,
    occurrences,
    happened_at,
    concat(cast(occurrences as string), ' heartbeats of ', cast(minutes as string), ' minutes missing') as detail
from silent
{% if is_incremental() %}
    where {{ on_days('finding_date', days) }}
{% endif %}
