{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['vault', 'account_class'],
) }}
{{ states_partitions(balance_days()) }}
{%- set days = balance_days() -%}
{%- set opening = opening_day(this, 'balance_date', days[0]) %}

-- Closing balance of every open escrow and of each vault's holders together, a row a day. A day is the day before plus
-- its postings, and the first day to rebuild starts from one stored partition: the cost is that of the new days, not of
-- the history. A closed escrow has its last row on the day it closed; holders keep a row, zero or not.
with postings as (
    select
        block_date as balance_date,
        vault,
        mint,
        decimals,
        account_class,
        account_id,
        amount,
        slot,
        block_time
    from {{ ref('int_escrow__postings') }}
    where
        in_vault
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
),

escrow_moves as (
    select
        balance_date,
        vault,
        mint,
        'escrow' as account_class,
        account_id as escrow_id,
        max(decimals) as decimals,
        sum(amount) as change,
        {{ sum_where('amount > 0', 'amount') }} as increases,
        {{ sum_where('amount < 0', '-amount') }} as decreases,
        count(*) as postings,
        min(block_time) as opened_at,
        max(slot) as last_slot,
        max(block_time) as last_block_time
    from postings
    where account_class = 'escrow'
    group by balance_date, vault, mint, account_id
),

-- One row for all users of a vault. Its last slot is the vault's: every posting in the vault touches it.
holder_moves as (
    select
        balance_date,
        vault,
        mint,
        'holder' as account_class,
        '' as escrow_id,
        max(decimals) as decimals,
        {{ sum_where("account_class = 'holder'", 'amount') }} as change,
        {{ sum_where("account_class = 'holder' and amount > 0", 'amount') }} as increases,
        {{ sum_where("account_class = 'holder' and amount < 0", '-amount') }} as decreases,
        {{ count_where("account_class = 'holder'") }} as postings,
        min(block_time) as opened_at,
        max(slot) as last_slot,
        max(block_time) as last_block_time
    from postings
    group by balance_date, vault, mint
),

moves as (
    select * from escrow_moves
    union all
    select * from holder_moves
    {% if is_incremental() %}
        union all
        select
            balance_date,
            vault,
            mint,
            account_class,
            escrow_id,
            decimals,
            closing_balance as change,
            numeric '0' as increases,
            numeric '0' as decreases,
            0 as postings,
            opened_at,
            last_slot,
            last_block_time
        from {{ this }}
        where
            balance_date = date '{{ opening }}'
            and (closing_balance <> 0 or account_class = 'holder')
    {% endif %}
),

running as (
    select
        *,
        sum(change) over (
            partition by vault, mint, account_class, escrow_id
            order by balance_date
            rows between unbounded preceding and current row
        ) as closing_balance,
        lead(balance_date) over (
            partition by vault, mint, account_class, escrow_id
            order by balance_date
        ) as next_date
    from moves
),

-- An escrow that was empty at a day's end and gets money again is opened anew.
counted as (
    select
        *,
        coalesce(sum(if(closing_balance = 0 and account_class = 'escrow', 1, 0)) over (
            partition by vault, mint, account_class, escrow_id
            order by balance_date
            rows between unbounded preceding and 1 preceding
        ), 0) as times_emptied
    from running
),

dated as (
    select
        * except (opened_at, last_slot, last_block_time),
        min(opened_at) over (
            partition by vault, mint, account_class, escrow_id, times_emptied
            order by balance_date
            rows between unbounded preceding and current row
        ) as opened_at,
        max(last_slot) over (
            partition by vault, mint, account_class, escrow_id
            order by balance_date
            rows between unbounded preceding and current row
        ) as last_slot,
        max(last_block_time) over (
            partition by vault, mint, account_class, escrow_id
            order by balance_date
            rows between unbounded preceding and current row
        ) as last_block_time
    from counted
),

bounds as (
    select greatest(coalesce(max(balance_date), date '{{ days[-1] }}'), date '{{ days[-1] }}') as last_day
    from postings
),

-- A balance stands until the day before the account's next posting.
spans as (
    select
        dated.*,
        case
            when dated.closing_balance = 0 and dated.account_class = 'escrow' then dated.balance_date
            when dated.next_date is null then bounds.last_day
            else date_sub(dated.next_date, interval 1 day)
        end as until_date
    from dated
    cross join bounds
)

select
    day as balance_date,
    spans.vault,
    spans.mint,
    spans.decimals,
    spans.account_class,
    spans.escrow_id,
    if(day = spans.balance_date, spans.closing_balance - spans.change, spans.closing_balance) as opening_balance,
    if(day = spans.balance_date, spans.increases, numeric '0') as increases,
    if(day = spans.balance_date, spans.decreases, numeric '0') as decreases,
    spans.closing_balance,
    if(day = spans.balance_date, spans.postings, 0) as postings,
    spans.opened_at,
    spans.last_slot,
    spans.last_block_time
from spans
cross join unnest(generate_date_array(spans.balance_date, spans.until_date)) as day
{% if is_incremental() %}
    where day > date '{{ opening }}'
{% endif %}
