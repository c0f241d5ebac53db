{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['vault'],
) }}
{{ states_partitions(balance_days()) }}
{%- set days = balance_days() %}

-- Slots in which a vault's balance on chain moved by another amount than its decoded events say: where a drift begins,
-- grows, shrinks or ends. What the balance is compared with is the balance before, not the transaction's own change: so
-- a transaction that is missing shows in the next one. Each day has the balance that it opened with, so a day is judged
-- from itself alone, and the table holds nothing of slots that agree.
with balances as (
    select
        balance_date,
        vault,
        mint,
        decimals,
        slot,
        block_time,
        is_carried,
        balance - coalesce(lag(balance) over (partition by balance_date, vault order by slot), numeric '0') as change
    from {{ ref('int_escrow__vault_balances') }}
    {% if is_incremental() %}
        where {{ on_days('balance_date', days) }}
    {% endif %}
),

moves as (
    select
        balance_date,
        vault,
        mint,
        decimals,
        slot,
        block_time,
        change as chain_change,
        numeric '0' as events_change
    from balances
    where not is_carried

    union all

    select
        block_date as balance_date,
        vault,
        mint,
        decimals,
        slot,
        block_time,
        numeric '0' as chain_change,
        amount as events_change
    from {{ ref('int_escrow__postings') }}
    where
        in_vault
        and {{ is_own_vault('vault') }}
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
),

steps as (
    select
        balance_date,
        vault,
        max(mint) as mint,
        max(decimals) as decimals,
        slot,
        max(block_time) as block_time,
        sum(chain_change) as chain_change,
        sum(events_change) as events_change
    from moves
    group by balance_date, vault, slot
    having sum(chain_change) <> sum(events_change)
),

-- The slot's transactions, to name the one that differs; where each agrees with itself, one before it is missing.
transactions as (
    select
        event_date as balance_date,
        account as vault,
        slot,
        signature,
        coalesce(post_amount, 0) - coalesce(pre_amount, 0) as difference
    from {{ ref('stg_solana__token_balances') }}
    where
        is_success
        and {{ is_own_vault('account') }}
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}

    union all

    select
        block_date as balance_date,
        vault,
        slot,
        signature,
        -amount as difference
    from {{ ref('int_escrow__postings') }}
    where
        in_vault
        and {{ is_own_vault('vault') }}
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
),

differing as (
    select
        balance_date,
        vault,
        slot,
        signature,
        sum(difference) as difference
    from transactions
    group by balance_date, vault, slot, signature
),

named as (
    select *
    from differing
    qualify row_number() over (
        partition by balance_date, vault, slot order by if(difference = 0, 1, 0), signature
    ) = 1
)

select
    steps.balance_date,
    steps.vault,
    steps.mint,
    steps.decimals,
    steps.slot,
    steps.block_time,
    named.signature,
    steps.chain_change,
    steps.events_change,
    steps.chain_change - steps.events_change as step
from steps
left join named
    on steps.balance_date = named.balance_date and steps.vault = named.vault and steps.slot = named.slot
