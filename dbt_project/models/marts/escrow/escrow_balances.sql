{{ config(materialized='table', cluster_by=['vault', 'account_class']) }}
{%- set day = balance_days()[-1] %}

-- M3, current: what each vault holds, per open escrow and for all users together.
with balances as (
    select *
    from {{ ref('int_escrow__balances_daily') }}
    where balance_date = date '{{ day }}'
),

as_of as (
    select
        max(last_slot) as slot,
        max(last_block_time) as block_time
    from balances
)

select
    balances.vault,
    balances.mint,
    {{ mint_symbol('balances.mint') }} as symbol,
    balances.decimals,
    balances.account_class,
    nullif(balances.escrow_id, '') as escrow_id,
    balances.closing_balance as balance,
    if(balances.account_class = 'escrow', balances.opened_at, null) as opened_at,
    if(
        balances.account_class = 'escrow',
        div(timestamp_diff(as_of.block_time, balances.opened_at, second), 3600),
        null
    ) as age_hours,
    as_of.slot as as_of_slot,
    as_of.block_time as as_of_time
from balances
cross join as_of
where balances.closing_balance <> 0 or balances.account_class = 'holder'
