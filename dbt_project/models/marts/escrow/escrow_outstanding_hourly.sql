{%- set days = balance_days() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['vault'],
) }}
{{ states_partitions(days) }}

-- M3 per UTC hour and vault: what it holds when the hour ends, and how old its open escrows are. A day's opening
-- balances and its postings are enough; an hour that is not over is as of the instant that is known.
with balances as (
    select
        balance_date,
        vault,
        mint,
        decimals,
        account_class,
        escrow_id,
        opening_balance,
        opened_at,
        last_slot,
        last_block_time
    from {{ ref('int_escrow__balances_daily') }}
    {% if is_incremental() %}
        where {{ on_days('balance_date', and_days_before(days, 1)) }}
    {% endif %}
),

moves as (
    select
        block_date as balance_date,
        extract(hour from block_time) as move_hour,
        vault,
        mint,
        account_class,
        if(account_class = 'escrow', account_id, '') as account,
        sum(amount) as change,
        max(slot) as slot,
        max(block_time) as block_time
    from {{ ref('int_escrow__postings') }}
    where
        in_vault
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
    group by block_date, move_hour, vault, mint, account_class, account
),

running as (
    select
        balances.balance_date,
        balances.vault,
        balances.mint,
        balances.decimals,
        balances.account_class,
        balances.opened_at,
        hour,
        timestamp_add(timestamp(balances.balance_date), interval hour hour) as hour_start,
        balances.opening_balance + sum(coalesce(moves.change, numeric '0')) over (
            partition by
                balances.balance_date, balances.vault, balances.mint, balances.account_class, balances.escrow_id
            order by hour
            rows between unbounded preceding and current row
        ) as balance
    from balances
    cross join unnest(generate_array(0, 23)) as hour
    left join moves
        on
            balances.balance_date = moves.balance_date
            and balances.vault = moves.vault
            and balances.mint = moves.mint
            and balances.account_class = moves.account_class
            and balances.escrow_id = moves.account
            and hour = moves.move_hour
),

ended as (
    select
        *,
        least(timestamp_add(hour_start, interval 1 hour), {{ known_until() }}) as hour_end
    from running
    where hour_start < {{ known_until() }}
),

totals as (
    select
        balance_date,
        hour,
        hour_start,
        hour_end,
        vault,
        mint,
        max(decimals) as decimals,
        sum(balance) as outstanding,
        {{ sum_where("account_class = 'escrow'", 'balance') }} as escrow_balance,
        {{ sum_where("account_class = 'holder'", 'balance') }} as holder_balance,
        {{ count_where("account_class = 'escrow' and balance <> 0") }} as open_escrows,
        min(if(account_class = 'escrow' and balance <> 0, opened_at, null)) as oldest_escrow_opened_at,
        {{ whole("sum(if(account_class = 'escrow' and balance <> 0, "
            ~ "div((unix_micros(hour_end) - unix_micros(opened_at)), 1000000), 0))") }} as age_seconds
    from ended
    group by balance_date, hour, hour_start, hour_end, vault, mint
),

newest as (
    select
        balance_date,
        move_hour,
        vault,
        mint,
        max(slot) as slot,
        max(block_time) as block_time
    from moves
    group by balance_date, move_hour, vault, mint
    union all
    select
        date_add(balance_date, interval 1 day) as balance_date,
        0 as move_hour,
        vault,
        mint,
        last_slot as slot,
        last_block_time as block_time
    from balances
    where account_class = 'holder'
),

as_of as (
    select
        totals.*,
        max(newest.slot) as as_of_slot,
        max(newest.block_time) as as_of_time
    from totals
    inner join newest
        on
            totals.balance_date = newest.balance_date
            and totals.vault = newest.vault
            and totals.mint = newest.mint
            and totals.hour >= newest.move_hour
    group by all
)

select
    balance_date,
    hour_start,
    vault,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    escrow_balance,
    holder_balance,
    outstanding,
    open_escrows,
    oldest_escrow_opened_at,
    age_seconds as mean_age_seconds_numerator,
    open_escrows as mean_age_seconds_denominator,
    as_of_slot,
    as_of_time
from as_of
{% if is_incremental() %}
    where {{ on_days('balance_date', days) }}
{% endif %}
