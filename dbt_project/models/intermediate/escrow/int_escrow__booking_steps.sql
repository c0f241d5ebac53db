{%- set days = booking_days() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'booking_date', 'data_type': 'date'},
    cluster_by=['vault'],
) }}
{{ states_partitions(days) }}
{%- set around = with_neighbours(days) %}

-- Money events and entries of the platform's own ledger that don't agree, per transaction, kind, match and mint: booked
-- with another amount, not booked, or booked without an event. A pair that lies over midnight belongs to the block's
-- day. What agrees is not kept, so the table is as small as the differences.
with events as (
    select
        signature,
        canonical_event as kind,
        coalesce(escrow_id, '') as match_id,
        mint,
        max(vault) as vault,
        max(decimals) as decimals,
        max(slot) as slot,
        max(block_time) as block_time,
        max(block_date) as booking_date,
        sum(if(in_vault, amount, numeric '0')) as vault_change,
        sum(if(account_class = 'escrow', amount, numeric '0')) as escrow_change
    from {{ ref('int_escrow__postings') }}
    {% if is_incremental() %}
        where {{ on_days('block_date', around) }}
    {% endif %}
    group by signature, canonical_event, coalesce(escrow_id, ''), mint
),

entries as (
    select
        coalesce(signature, '') as signature,
        kind,
        coalesce(match_id, '') as match_id,
        mint,
        max(vault) as vault,
        max(slot) as slot,
        max(coalesce(entry_at, changed_at)) as entry_at,
        max(date(coalesce(entry_at, changed_at))) as booking_date,
        sum(vault_effect) as vault_change,
        sum(
            case
                when coalesce(match_id, '') = '' then numeric '0'
                when kind = 'entry' then amount
                when kind in ('prize_distributed', 'refund', 'fee_collected') then -amount
                else numeric '0'
            end
        ) as escrow_change,
        count(*) as entries
    from {{ ref('int_escrow__offchain_entries') }}
    where
        not is_deleted
        and slot is not null
        {% if is_incremental() %}
            and {{ on_days('date(coalesce(entry_at, changed_at))', around) }}
        {% endif %}
    group by coalesce(signature, ''), kind, coalesce(match_id, ''), mint
),

-- Joined on equal keys alone, and the day compared after: an outer join on both would compare every pair of rows.
booked as (
    select entries.*
    from entries
    inner join events
        on {{ same_booking('entries', 'events') }}
    where abs(date_diff(events.booking_date, entries.booking_date, day)) <= 1
),

paired as (
    select
        events.booking_date,
        events.signature,
        events.kind,
        events.match_id,
        events.mint,
        coalesce(events.vault, booked.vault) as vault,
        events.decimals,
        coalesce(events.slot, booked.slot) as slot,
        coalesce(events.block_time, booked.entry_at) as block_time,
        true as has_event,
        coalesce(booked.entries, 0) as entries,
        events.vault_change - coalesce(booked.vault_change, numeric '0') as vault_step,
        events.escrow_change - coalesce(booked.escrow_change, numeric '0') as escrow_step
    from events
    left join booked
        on {{ same_booking('events', 'booked') }}

    union all

    select
        entries.booking_date,
        entries.signature,
        entries.kind,
        entries.match_id,
        entries.mint,
        entries.vault,
        null as decimals,
        entries.slot,
        entries.entry_at as block_time,
        false as has_event,
        entries.entries,
        -coalesce(entries.vault_change, numeric '0') as vault_step,
        -coalesce(entries.escrow_change, numeric '0') as escrow_step
    from entries
    left join booked
        on {{ same_booking('entries', 'booked') }}
    where booked.signature is null
)

select
    booking_date,
    signature,
    kind,
    match_id,
    mint,
    vault,
    decimals,
    slot,
    block_time,
    has_event,
    {{ whole('entries') }} as entries,
    vault_step,
    escrow_step
from paired
where
    (vault_step <> 0 or escrow_step <> 0)
    {% if is_incremental() %}
        and {{ on_days('booking_date', days) }}
    {% endif %}
