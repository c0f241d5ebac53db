{{ config(materialized='table') }}

-- Where ledgers disagree now, and the transaction at which it began. The steps of a vault (or match) add up to its
-- drift; a drift begins at the first step after the sum was last zero. Steps are few: only slots that disagree have
-- one.
-- What is younger than the allowed lag and not booked yet is on its way, and no drift.
with sources as (
    select count(*) > 0 as has_offchain
    from {{ ref('int_escrow__offchain_entries') }}
    where not is_deleted
),

vaults as (
    {{ own_vaults() }}
),

steps as (
    select
        'chain_against_events' as kind,
        vault,
        '' as match_id,
        mint,
        slot,
        block_time,
        signature,
        step
    from {{ ref('int_escrow__balance_steps') }}

    union all

    select
        'events_against_books' as kind,
        coalesce(bookings.vault, vaults.vault) as vault,
        '' as match_id,
        bookings.mint,
        bookings.slot,
        bookings.block_time,
        bookings.signature,
        bookings.vault_step as step
    from {{ ref('int_escrow__booking_steps') }} as bookings
    cross join sources
    left join vaults on bookings.mint = vaults.mint
    where
        sources.has_offchain
        and not (bookings.entries = 0 and bookings.block_time >= {{ settled_until() }})

    union all

    select
        'match_against_books' as kind,
        coalesce(bookings.vault, vaults.vault) as vault,
        bookings.match_id,
        bookings.mint,
        bookings.slot,
        bookings.block_time,
        bookings.signature,
        bookings.escrow_step as step
    from {{ ref('int_escrow__booking_steps') }} as bookings
    cross join sources
    left join vaults on bookings.mint = vaults.mint
    where
        sources.has_offchain
        and bookings.match_id <> ''
        and not (bookings.entries = 0 and bookings.block_time >= {{ settled_until() }})
),

-- Several differences of one slot are one step; its transaction is the first of those that differ.
moved as (
    select
        kind,
        vault,
        match_id,
        mint,
        slot,
        max(block_time) as block_time,
        min(if(step <> 0, signature, null)) as signature,
        sum(step) as step
    from steps
    where block_time < {{ covered_until() }} and {{ is_own_vault('vault') }}
    group by kind, vault, match_id, mint, slot
    having sum(step) <> 0
),

running as (
    select
        *,
        sum(step) over (
            partition by kind, vault, match_id, mint
            order by slot
            rows between unbounded preceding and current row
        ) as drift,
        row_number() over (partition by kind, vault, match_id, mint order by slot) as step_number
    from moved
),

agreed as (
    select
        kind,
        vault,
        match_id,
        mint,
        max(if(drift = 0, step_number, 0)) as last_agreed,
        max(step_number) as last_step
    from running
    group by kind, vault, match_id, mint
)

select
    opened.kind,
    opened.vault,
    nullif(opened.match_id, '') as match_id,
    opened.mint,
    {{ mint_decimals('opened.mint') }} as decimals,
    latest.drift as amount,
    nullif(opened.signature, '') as first_signature,
    opened.slot as first_slot,
    opened.block_time as opened_at,
    latest.slot as last_slot,
    {{ whole('agreed.last_step - agreed.last_agreed') }} as steps
from agreed
inner join running as opened
    on
        agreed.kind = opened.kind
        and agreed.vault = opened.vault
        and agreed.match_id = opened.match_id
        and agreed.mint = opened.mint
        and agreed.last_agreed + 1 = opened.step_number
inner join running as latest
    on
        agreed.kind = latest.kind
        and agreed.vault = latest.vault
        and agreed.match_id = latest.match_id
        and agreed.mint = latest.mint
        and agreed.last_step = latest.step_number
