{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='signature',
) }}
{%- set days = pending_days(this, ref('stg_solana__pending')) -%}
{%- set landing_days = (days + [shift_day(days[-1], 1)]) if days else [] %}

-- M7, first part: transactions that were seen before they were final, and what became of them. Money marts never hold
-- them. A signature counts as dropped when everything final of its slot is held and it isn't there, or when a newer
-- reading of the same address no longer shows it though its slot isn't final yet. As long as neither is known it is
-- pending: a transaction in doubt must not fall silent.
with sightings as (
    select
        *,
        date(coalesce(block_time, seen_at)) as block_date
    from {{ ref('stg_solana__pending') }}
    {% if is_incremental() %}
        where event_date >= date '{{ days[0] }}'  -- it is seen on the day of its block or later
    {% endif %}
),

-- One reading of an address by one attempt.
readings as (
    select
        address,
        attempt_id,
        max(seen_at) as seen_at,
        min(finalized_slot) as finalized_slot
    from sightings
    group by address, attempt_id
),

clock as (
    select max(seen_at) as newest_seen_at from sightings
),

by_address as (
    select
        signature,
        address,
        max(seen_at) as last_seen_at,
        max(slot) as slot
    from sightings
    {% if is_incremental() %}
        where {{ on_days('block_date', days) }}
    {% endif %}
    group by signature, address
),

covered as (
    select distinct by_address.signature
    from by_address
    inner join {{ ref('chain_coverage') }} as coverage
        on
            by_address.address = coverage.address
            and by_address.slot between coverage.from_slot and coverage.to_slot
),

gone as (
    select
        by_address.signature,
        max(by_address.last_seen_at) as last_seen_at,
        min(readings.seen_at) as gone_at
    from by_address
    inner join readings
        on
            by_address.address = readings.address
            and by_address.last_seen_at < readings.seen_at
            and by_address.slot > readings.finalized_slot
    group by by_address.signature
),

finalized as (
    select signature
    from {{ ref('stg_solana__signatures') }}
    where
        confirmation_status = 'finalized'
        {% if is_incremental() %}
            and {{ on_days('event_date', landing_days | unique | sort) }}
        {% endif %}
    group by signature
),

transactions as (
    select
        signature,
        max(block_date) as block_date,
        max(slot) as slot,
        max(block_time) as block_time,
        string_agg(distinct address, ', ' order by address) as addresses,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at,
        count(distinct attempt_id) as sightings,
        max_by(is_success, seen_at) as is_success,
        max_by(confirmation_status, seen_at) as confirmation_status
    from sightings
    {% if is_incremental() %}
        where {{ on_days('block_date', days) }}
    {% endif %}
    group by signature
),

judged as (
    select
        transactions.*,
        case
            when finalized.signature is not null then 'finalized'
            when covered.signature is not null then 'dropped'
            when gone.gone_at > transactions.last_seen_at then 'dropped'
            else 'pending'
        end as state
    from transactions
    left join finalized on transactions.signature = finalized.signature
    left join covered on transactions.signature = covered.signature
    left join gone on transactions.signature = gone.signature
)

select
    judged.signature,
    judged.state,
    judged.block_date,
    judged.slot,
    judged.block_time,
    judged.addresses,
    judged.is_success,
    judged.confirmation_status,
    judged.sightings,
    judged.first_seen_at,
    judged.last_seen_at,
    if(judged.state = 'pending', clock.newest_seen_at, judged.last_seen_at) as as_of_time,
    div(
        timestamp_diff(
            if(judged.state = 'pending', clock.newest_seen_at, judged.last_seen_at),
            coalesce(judged.block_time, judged.first_seen_at),
            second
        ),
        60
    ) as age_minutes
from judged
cross join clock
