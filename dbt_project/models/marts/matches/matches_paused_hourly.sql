{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'pause_date', 'data_type': 'date'},
) }}
{{ states_partitions(balance_days()) }}

-- M5 per UTC hour: every hour from the first day with a pause on, also those in which nothing happened. An hour that is
-- not over counts up to the instant that is known.
with pauses as (
    select
        pause_date,
        match_id,
        paused_from,
        coalesce(paused_until, timestamp(date_add(pause_date, interval 1 day))) as paused_until
    from {{ ref('int_matches__pauses') }}
    {% if is_incremental() %}
        where {{ on_days('pause_date', balance_days()) }}
    {% endif %}
),

hours as (
    select
        pauses.pause_date,
        timestamp_add(timestamp(pauses.pause_date), interval hour hour) as hour_start,
        least(
            timestamp_add(timestamp(pauses.pause_date), interval (hour + 1) hour), {{ known_until() }}
        ) as hour_end
    from pauses
    cross join unnest(generate_array(0, 23)) as hour
    where
        pauses.match_id = ''
        and timestamp_add(timestamp(pauses.pause_date), interval hour hour) < {{ known_until() }}
),

events as (
    select
        {{ bucket_start('block_time', 3600) }} as hour_start,
        {{ count_where("canonical_event = 'paused'") }} as pause_events,
        {{ count_where("canonical_event = 'resumed'") }} as resume_events,
        max(slot) as as_of_slot
    from {{ ref('stg_solana__canonical_events') }}
    where
        status = 'counted'
        and canonical_event in ('paused', 'resumed')
        and escrow_id is not null
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', balance_days()) }}
        {% endif %}
    group by hour_start
),

paused as (
    select
        hours.hour_start,
        count(distinct if(pauses.paused_until >= hours.hour_end, pauses.match_id, null)) as paused_at_end,
        sum(div((
            unix_micros(least(pauses.paused_until, hours.hour_end))
            - unix_micros(greatest(pauses.paused_from, hours.hour_start))
        ), 1000000)) as paused_seconds
    from hours
    inner join pauses
        on
            hours.pause_date = pauses.pause_date
            and hours.hour_end > pauses.paused_from
            and hours.hour_start <= pauses.paused_until
            and pauses.match_id <> ''
    group by hours.hour_start
)

select
    hours.pause_date,
    hours.hour_start,
    {{ whole('coalesce(paused.paused_at_end, 0)') }} as paused_at_end,
    {{ whole('coalesce(events.pause_events, 0)') }} as pause_events,
    {{ whole('coalesce(events.resume_events, 0)') }} as resume_events,
    {{ whole('coalesce(paused.paused_seconds, 0)') }} as paused_seconds,
    events.as_of_slot,
    hours.hour_end as as_of_time
from hours
left join paused on hours.hour_start = paused.hour_start
left join events on hours.hour_start = events.hour_start
