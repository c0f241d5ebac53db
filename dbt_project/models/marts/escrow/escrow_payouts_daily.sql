{%- set days = and_days_before(looking_back_days(2) + balance_days(), 2) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(days) }}
{%- set read = days_around(days, 7, 2) if is_incremental() else none %}

-- M4 per UTC day and mint. A payout, and what is wrong with one, belongs to the day of its block; a missed deadline to
-- the day the match ended. A match ends when its document says so: on the chain it completes with its payout. Matches
-- count from the escrow that stood open on the day they ended, once their deadline is past.
with prizes as (
    {{ prizes(read) }}
),

matches as (
    select
        match_id,
        ended_at,
        ended_date,
        status,
        changed_at
    from {{ ref('int_matches__lifecycle') }}
    where ended_at is not null
),

timed as (
    select
        prizes.*,
        div((unix_micros(prizes.block_time) - unix_micros(matches.ended_at)), 1000000) as seconds_to_payout
    from prizes
    left join matches on prizes.escrow_id = matches.match_id
),

placed as (
    {{ placed('timed', ['block_date', 'mint'], 'seconds_to_payout') }}
),

payouts as (
    select
        block_date as activity_date,
        mint,
        max(decimals) as decimals,
        count(*) as payouts,
        sum(amount) as payout_amount,
        {{ percentiles('seconds_to_payout', 'time_to_payout_p*_seconds', [50, 95]) }},
        max(seconds_to_payout) as time_to_payout_max_seconds,
        max(total) as timed_payouts,
        count(distinct if(is_repeat, escrow_id, null)) as paid_twice,
        max(slot) as as_of_slot,
        max(block_time) as as_of_time
    from placed
    group by block_date, mint
),

escrows as (
    select
        balance_date,
        mint,
        decimals,
        escrow_id,
        opening_balance,
        closing_balance
    from {{ ref('int_escrow__balances_daily') }}
    where
        account_class = 'escrow'
        {% if is_incremental() %}
            and {{ on_days('balance_date', days) }}
        {% endif %}
),

paid as (
    select
        escrow_id,
        min(block_time) as paid_at
    from prizes
    group by escrow_id
),

due as (
    select
        escrows.balance_date as activity_date,
        escrows.mint,
        max(escrows.decimals) as decimals,
        count(*) as settlements_due,
        {{ count_where('coalesce(paid.paid_at > ' ~ payout_due('matches.ended_at') ~ ', true)') }}
            as settlements_missed,
        max(matches.changed_at) as as_of_time
    from escrows
    inner join matches
        on escrows.escrow_id = matches.match_id and escrows.balance_date = matches.ended_date
    left join paid on escrows.escrow_id = paid.escrow_id
    where
        matches.status = 'completed'
        and {{ payout_due('matches.ended_at') }} <= {{ known_until() }}
    group by escrows.balance_date, escrows.mint
),

overpaid as (
    select
        balance_date as activity_date,
        mint,
        max(decimals) as decimals,
        count(*) as overpaid
    from escrows
    where closing_balance < 0 and opening_balance >= 0
    group by balance_date, mint
),

keys as (
    select
        activity_date,
        mint,
        decimals
    from payouts
    union all
    select
        activity_date,
        mint,
        decimals
    from due
    union all
    select
        activity_date,
        mint,
        decimals
    from overpaid
),

days as (
    select
        activity_date,
        mint,
        max(decimals) as decimals
    from keys
    {% if is_incremental() %}
        where {{ on_days('activity_date', days) }}
    {% endif %}
    group by activity_date, mint
)

select
    days.activity_date,
    days.mint,
    {{ mint_symbol('days.mint') }} as symbol,
    days.decimals,
    coalesce(payouts.payouts, 0) as payouts,
    coalesce(payouts.payout_amount, numeric '0') as payout_amount,
    payouts.time_to_payout_p50_seconds,
    payouts.time_to_payout_p95_seconds,
    payouts.time_to_payout_max_seconds,
    {{ whole('coalesce(payouts.timed_payouts, 0)') }} as timed_payouts,
    coalesce(due.settlements_due, 0) as settlements_due,
    coalesce(due.settlements_missed, 0) as settlements_missed,
    coalesce(payouts.paid_twice, 0) as paid_twice,
    coalesce(overpaid.overpaid, 0) as overpaid,
    payouts.as_of_slot,
    coalesce(payouts.as_of_time, due.as_of_time, timestamp(days.activity_date)) as as_of_time
from days
left join payouts on days.activity_date = payouts.activity_date and days.mint = payouts.mint
left join due on days.activity_date = due.activity_date and days.mint = due.mint
left join overpaid on days.activity_date = overpaid.activity_date and days.mint = overpaid.mint
