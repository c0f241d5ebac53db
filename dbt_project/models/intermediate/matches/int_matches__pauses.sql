{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'pause_date', 'data_type': 'date'},
    cluster_by=['match_id'],
) }}
{{ states_partitions(balance_days()) }}
{%- set days = balance_days() -%}
{%- set opening = opening_day(this, 'pause_date', days[0]) %}

-- Spans in which matches are paused, cut at midnight: a span that is open at a day's end goes on the next day, so the
-- cost is that of the days to build. A match is paused from its pause event to its next event that isn't one: resumed,
-- completed or cancelled. A row without a match stands for each day from the first pause that is known.
with events as (
    select
        event_date,
        block_time,
        slot,
        canonical_key,
        escrow_id as match_id,
        canonical_event = 'paused' as pauses
    from {{ ref('stg_solana__canonical_events') }}
    where
        status = 'counted'
        and canonical_event in ('paused', 'resumed', 'completed', 'cancelled')
        and escrow_id is not null
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
),

{% if is_incremental() %}
    held as (
        select *
        from {{ this }}
        where pause_date = date '{{ opening }}' and paused_until is null
    ),
{% endif %}

moves as (
    select
        match_id,
        block_time,
        slot,
        canonical_key,
        pauses
    from events
    {% if is_incremental() %}
        union all
        select
            match_id,
            paused_at as block_time,
            paused_slot as slot,
            '' as canonical_key,
            true as pauses
        from held
        where match_id <> ''
    {% endif %}
),

-- In the order of slots; within one slot a pause comes before what ends it.
ordered as (
    select
        *,
        lag(pauses) over (
            partition by match_id order by slot, if(pauses, 0, 1), canonical_key
        ) as was_paused,
        min(if(pauses, null, block_time)) over (
            partition by match_id
            order by slot, if(pauses, 0, 1), canonical_key
            rows between 1 following and unbounded following
        ) as ended_at
    from moves
),

spans as (
    select
        match_id,
        block_time as paused_at,
        slot as paused_slot,
        ended_at,
        date(block_time) as from_date,
        date(ended_at) as until_date
    from ordered
    where pauses and not coalesce(was_paused, false)
),

marks as (
    select min(event_date) as from_date
    from events
    where pauses
    {% if is_incremental() %}
        union all
        select max(pause_date) as from_date
        from held
    {% endif %}
),

newest as (
    select max(event_date) as last_date
    from events
),

bounds as (
    select
        min(marks.from_date) as first_date,
        greatest(coalesce(max(newest.last_date), date '{{ days[-1] }}'), date '{{ days[-1] }}') as last_date
    from marks
    cross join newest
),

cut as (
    select
        day as pause_date,
        spans.match_id,
        spans.paused_at,
        spans.paused_slot,
        greatest(spans.paused_at, timestamp(day)) as paused_from,
        if(spans.until_date = day, spans.ended_at, null) as paused_until
    from spans
    cross join bounds
    cross join unnest(generate_date_array(spans.from_date, coalesce(spans.until_date, bounds.last_date))) as day

    union all

    select
        day as pause_date,
        '' as match_id,
        timestamp(day) as paused_at,
        0 as paused_slot,
        timestamp(day) as paused_from,
        cast(null as timestamp) as paused_until
    from bounds
    cross join unnest(generate_date_array(bounds.first_date, bounds.last_date)) as day
)

select
    pause_date,
    match_id,
    paused_at,
    paused_slot,
    paused_from,
    paused_until
from cut
{% if is_incremental() %}
    where pause_date > date '{{ opening }}'
{% endif %}
