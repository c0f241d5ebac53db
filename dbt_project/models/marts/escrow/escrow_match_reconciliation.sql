{{ config(materialized='table', cluster_by=['match_id']) }}
{%- set day = covered_day() %}

-- What each match's escrow holds at the newest known slot, by the decoded events and by the platform's own ledger.
-- Listed are the matches that hold something on either side, or moved on the day; all others hold nothing on both.
-- Events of the last allowed minutes that aren't booked yet count as in flight.
with observed as (
    select max(slot) as slot
    from {{ ref('int_escrow__vault_observations') }}
    where method = 'token_balances'
),

entries as (
    select *
    from {{ ref('int_escrow__offchain_entries') }}
    where not is_deleted
),

sources as (
    select count(*) > 0 as has_offchain
    from entries
),

postings as (
    select *
    from {{ ref('int_escrow__postings') }}
    where block_date = date '{{ day }}' and account_class = 'escrow' and block_time < {{ covered_until() }}
),

held as (
    select
        escrow_id as match_id,
        mint,
        max(decimals) as decimals,
        sum(amount) as balance
    from (
        select
            escrow_id,
            mint,
            decimals,
            closing_balance as amount
        from {{ ref('int_escrow__balances_daily') }}
        where balance_date = date '{{ shift_day(day, -1) }}' and account_class = 'escrow'

        union all

        select
            escrow_id,
            mint,
            decimals,
            amount
        from postings
        where escrow_id is not null
    ) as moves
    group by escrow_id, mint
),

booked as (
    select
        entries.match_id,
        entries.mint,
        sum(
            case
                when entries.kind = 'entry' then entries.amount
                when entries.kind in ('prize_distributed', 'refund', 'fee_collected') then -entries.amount
                else numeric '0'
            end
        ) as balance
    from entries
    cross join observed
    where entries.match_id is not null and observed.slot >= entries.slot
    group by entries.match_id, entries.mint
),

unbooked as (
    select
        postings.escrow_id as match_id,
        postings.mint,
        sum(postings.amount) as amount
    from postings
    left join entries
        on postings.signature = entries.signature and postings.canonical_event = entries.kind
    where entries.entry_id is null and postings.block_time >= {{ settled_until() }}
    group by postings.escrow_id, postings.mint
),

sides as (
    select
        coalesce(held.match_id, booked.match_id) as match_id,
        coalesce(held.mint, booked.mint) as mint,
        held.match_id is not null as is_held,
        coalesce(held.balance, numeric '0') as events_balance,
        coalesce(booked.balance, numeric '0') as booked_balance
    from held
    full outer join booked on held.match_id = booked.match_id and held.mint = booked.mint
)

select
    sides.match_id,
    sides.mint,
    {{ mint_symbol('sides.mint') }} as symbol,
    {{ mint_decimals('sides.mint') }} as decimals,
    observed.slot,
    sides.events_balance,
    if(sources.has_offchain, sides.booked_balance, null) as offchain_balance,
    if(sources.has_offchain, coalesce(unbooked.amount, numeric '0'), null) as in_flight,
    if(
        sources.has_offchain,
        sides.events_balance - sides.booked_balance - coalesce(unbooked.amount, numeric '0'),
        null
    ) as difference,
    {{ covered_until() }} as covered_until
from sides
cross join sources
cross join observed
left join unbooked on sides.match_id = unbooked.match_id and sides.mint = unbooked.mint
where sides.is_held or sides.booked_balance <> 0
