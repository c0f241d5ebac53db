{{ config(materialized='table') }}
{%- set day = covered_day() -%}
{%- set days = [shift_day(day, -1), day] %}

-- Three ledgers of one vault at one slot: what the chain says it holds, what the decoded events come to, what the
-- platform's own books say. A leg whose source has nothing at all is null: absent, not zero. Booking off chain takes a
-- moment, so events of the last allowed minutes that aren't booked yet count as in flight; later ones are a difference.
with observations as (
    select *
    from {{ ref('int_escrow__vault_observations') }}
),

closings as (
    select
        vault,
        date_add(balance_date, interval 1 day) as ledger_date,
        sum(closing_balance) as balance
    from {{ ref('int_escrow__balances_daily') }}
    where {{ on_days('balance_date', [shift_day(day, -2), shift_day(day, -1)]) }}
    group by vault, balance_date
),

postings as (
    select
        vault,
        block_date as ledger_date,
        slot,
        block_time,
        signature,
        canonical_event,
        amount
    from {{ ref('int_escrow__postings') }}
    where {{ on_days('block_date', days) }} and in_vault
),

entries as (
    select *
    from {{ ref('int_escrow__offchain_entries') }}
    where not is_deleted
),

sources as (
    select
        (
            select count(*) from {{ ref('int_escrow__balances_daily') }}
            where balance_date = date '{{ balance_days()[-1] }}'
        ) > 0 as has_ledger,
        (select count(*) from entries) > 0 as has_offchain
),

posted as (
    select
        observations.vault,
        observations.method,
        sum(postings.amount) as amount
    from observations
    inner join postings
        on
            observations.vault = postings.vault
            and observations.ledger_date = postings.ledger_date
            and observations.slot >= postings.slot
    group by observations.vault, observations.method
),

-- An entry that names no vault belongs to the vault of its mint.
booked as (
    select
        observations.vault,
        observations.method,
        sum(entries.vault_effect) as amount
    from observations
    inner join entries
        on
            observations.vault = coalesce(entries.vault, observations.vault)
            and observations.mint = entries.mint
            and observations.slot >= entries.slot
    group by observations.vault, observations.method
),

unbooked as (
    select
        observations.vault,
        observations.method,
        sum(postings.amount) as amount
    from observations
    inner join postings
        on observations.vault = postings.vault and observations.slot >= postings.slot
    left join entries
        on postings.signature = entries.signature and postings.canonical_event = entries.kind
    where entries.entry_id is null and postings.block_time >= {{ settled_until() }}
    group by observations.vault, observations.method
),

legs as (
    select
        observations.*,
        if(
            sources.has_ledger, coalesce(closings.balance, 0) + coalesce(posted.amount, 0), null
        ) as ledger_balance,
        if(sources.has_offchain, coalesce(booked.amount, 0), null) as offchain_balance,
        if(sources.has_offchain, coalesce(unbooked.amount, 0), null) as in_flight
    from observations
    cross join sources
    left join closings
        on observations.vault = closings.vault and observations.ledger_date = closings.ledger_date
    left join posted
        on observations.vault = posted.vault and observations.method = posted.method
    left join booked
        on observations.vault = booked.vault and observations.method = booked.method
    left join unbooked
        on observations.vault = unbooked.vault and observations.method = unbooked.method
)

select
    vault,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    method,
    slot,
    observed_at,
    changed_slot,
    balance as vault_balance,
    ledger_balance,
    offchain_balance,
    in_flight,
    balance - ledger_balance as ledger_difference,
    balance - offchain_balance - in_flight as offchain_difference,
    ledger_balance - offchain_balance - in_flight as ledger_offchain_difference,
    {{ covered_until() }} as covered_until
from legs
