{{ config(materialized='table') }}
{%- set day = covered_day() %}

-- Vault balances that the run may hold the ledgers against, at most two per vault: what its transactions left behind
-- before the window's end, and the newest live reading at a finalized slot that the data already covers. `ledger_date`
-- is the partition whose postings lead up to the slot.
with seen as (
    select
        slot,
        block_time
    from {{ ref('int_escrow__vault_balances') }}
    where balance_date = date '{{ day }}' and block_time < {{ covered_until() }}

    union all

    select
        slot,
        block_time
    from {{ ref('int_escrow__postings') }}
    where block_date = date '{{ day }}' and block_time < {{ covered_until() }}
),

-- Balances from transactions hold until the newest slot that anything is known of.
newest as (
    select
        max(slot) as slot,
        max(block_time) as block_time
    from seen
),

left_behind as (
    select
        vault,
        mint,
        decimals,
        slot,
        balance
    from {{ ref('int_escrow__vault_balances') }}
    where
        balance_date = date '{{ day }}'
        and block_time < {{ covered_until() }}
        and {{ is_own_vault('vault') }}
    qualify row_number() over (partition by vault order by slot desc) = 1
),

live as (
    select
        address as vault,
        mint,
        decimals,
        slot,
        block_time,
        event_date,
        amount
    from {{ ref('stg_solana__account_balances') }}
    where
        {{ on_days('event_date', [shift_day(day, -1), day]) }}
        and block_time < {{ covered_until() }}
        and kind = 'token'
        and {{ is_own_vault('address') }}
    qualify row_number() over (partition by address order by slot desc) = 1
)

select
    left_behind.vault,
    left_behind.mint,
    left_behind.decimals,
    'token_balances' as method,
    newest.slot,
    newest.block_time as observed_at,
    left_behind.slot as changed_slot,
    left_behind.balance,
    date '{{ day }}' as ledger_date
from left_behind
cross join newest

union all

select
    vault,
    mint,
    decimals,
    'live_reading' as method,
    slot,
    block_time as observed_at,
    cast(null as int64) as changed_slot,
    amount as balance,
    event_date as ledger_date
from live
