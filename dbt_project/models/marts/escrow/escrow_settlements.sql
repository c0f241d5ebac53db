{{ config(materialized='table', cluster_by=['kind']) }}
{%- set day = balance_days()[-1] -%}
{%- set recent = days_between(shift_day(day, -37), day) %}

-- M4, current: the settlements that have failed and still stand so. What an unpaid or overpaid match comes to is the
-- balance that its escrow is left with. A second payout can't be taken back on the chain: it is listed for 30 days.
with escrows as (
    select
        escrow_id,
        mint,
        decimals,
        closing_balance,
        last_slot,
        last_block_time
    from {{ ref('int_escrow__balances_daily') }}
    where
        balance_date = date '{{ day }}'
        and account_class = 'escrow'
        and closing_balance <> 0
),

prizes as (
    {{ prizes(recent) }}
),

failed as (
    select
        escrows.escrow_id,
        'unpaid' as kind,
        escrows.mint,
        escrows.decimals,
        escrows.closing_balance as amount,
        {{ payout_due('matches.ended_at') }} as failed_since,
        escrows.last_slot as as_of_slot,
        greatest(escrows.last_block_time, matches.changed_at) as as_of_time
    from escrows
    inner join {{ ref('int_matches__lifecycle') }} as matches on escrows.escrow_id = matches.match_id
    where
        escrows.closing_balance > 0
        and matches.status = 'completed'
        and {{ payout_due('matches.ended_at') }} <= {{ known_until() }}

    union all

    select
        escrow_id,
        'overpaid' as kind,
        mint,
        decimals,
        -closing_balance as amount,
        last_block_time as failed_since,
        last_slot as as_of_slot,
        last_block_time as as_of_time
    from escrows
    where closing_balance < 0

    union all

    select
        escrow_id,
        'paid_twice' as kind,
        mint,
        max(decimals) as decimals,
        sum(amount) as amount,
        min(block_time) as failed_since,
        max(slot) as as_of_slot,
        max(block_time) as as_of_time
    from prizes
    where is_repeat and block_date > date '{{ shift_day(day, -30) }}'
    group by escrow_id, mint
)

select
    escrow_id as match_id,
    kind,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    amount,
    failed_since,
    as_of_slot,
    as_of_time
from failed
