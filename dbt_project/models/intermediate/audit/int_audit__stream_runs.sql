{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'event_date', 'data_type': 'date'},
    cluster_by=['stream'],
) }}
{{ states_partitions(rebuild_days()) }}

-- Unbroken runs of sequence numbers per audit stream and day: usually one row, so years of a stream stay small enough
-- to be read whole when gaps between days are looked for.
with numbers as (
    select
        event_date,
        stream,
        seq,
        min(recorded_at) as recorded_at,
        min(prev_hash) as prev_hash,
        min(record_hash) as record_hash
    from {{ ref('stg_platform__audit_events') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by event_date, stream, seq
),

numbered as (
    select
        *,
        seq - row_number() over (partition by event_date, stream order by seq) as run
    from numbers
),

ends as (
    select
        event_date,
        stream,
        run,
        min(seq) as first_seq,
        max(seq) as last_seq
    from numbered
    group by event_date, stream, run
)

select
    ends.event_date,
    ends.stream,
    ends.first_seq,
    ends.last_seq,
    opening.recorded_at as first_recorded_at,
    closing.recorded_at as last_recorded_at,
    opening.prev_hash as first_prev_hash,
    closing.record_hash as last_hash
from ends
inner join numbers as opening
    on ends.event_date = opening.event_date and ends.stream = opening.stream and ends.first_seq = opening.seq
inner join numbers as closing
    on ends.event_date = closing.event_date and ends.stream = closing.stream and ends.last_seq = closing.seq
