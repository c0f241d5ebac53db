{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['vault'],
) }}
{{ states_partitions(balance_days()) }}
{%- set days = balance_days() -%}
{%- set opening = opening_day(this, 'balance_date', days[0]) %}

-- What the chain says each vault held at the end of every slot that moved it, from the token balances of transactions.
-- Several transactions of one slot have no order here, so the balance is read from slots with a single one and carried
-- over the others by their changes. Each later day starts with the last known balance, so that a quiet vault is known
-- from one partition.
with transfers as (
    select
        event_date as balance_date,
        account as vault,
        mint,
        decimals,
        slot,
        block_time,
        coalesce(pre_amount, 0) as pre_amount,
        coalesce(post_amount, 0) as post_amount
    from {{ ref('stg_solana__token_balances') }}
    where
        is_success
        and {{ is_own_vault('account') }}
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
),

slots as (
    select
        balance_date,
        vault,
        max(mint) as mint,
        max(decimals) as decimals,
        slot,
        max(block_time) as block_time,
        if(count(*) = 1, max(post_amount), null) as stated_balance,
        sum(post_amount - pre_amount) as change
    from transfers
    group by balance_date, vault, slot

    {% if is_incremental() %}
        union all

        select
            balance_date,
            vault,
            mint,
            decimals,
            slot,
            block_time,
            balance as stated_balance,
            numeric '0' as change
        from (
            select *
            from {{ this }}
            where balance_date = date '{{ opening }}'
            qualify row_number() over (partition by vault order by slot desc) = 1
        ) as last_known
    {% endif %}
),

stretches as (
    select
        *,
        count(stated_balance) over (
            partition by vault
            order by slot
            rows between unbounded preceding and current row
        ) as stretch
    from slots
),

balances as (
    select
        *,
        sum(coalesce(stated_balance, change)) over (
            partition by vault, stretch
            order by slot
            rows between unbounded preceding and current row
        ) as balance,
        lead(balance_date) over (partition by vault order by slot) as next_date
    from stretches
),

bounds as (
    select greatest(coalesce(max(balance_date), date '{{ days[-1] }}'), date '{{ days[-1] }}') as last_day
    from transfers
),

spans as (
    select
        balances.*,
        if(
            balances.next_date = balances.balance_date,
            balances.balance_date,
            coalesce(balances.next_date, bounds.last_day)
        ) as until_date
    from balances
    cross join bounds
    where balances.stretch > 0
)

select
    day as balance_date,
    spans.vault,
    spans.mint,
    spans.decimals,
    spans.slot,
    spans.block_time,
    spans.balance,
    day > spans.balance_date as is_carried
from spans
cross join unnest(generate_date_array(spans.balance_date, spans.until_date)) as day
{% if is_incremental() %}
    where day > date '{{ opening }}'
{% endif %}
