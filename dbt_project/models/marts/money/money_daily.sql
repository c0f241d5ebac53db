{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    partitions=date_literals(rebuild_days()),
    cluster_by=['mint'],
) }}

-- M17: what moved, per UTC day of the block and per mint. Each event is taken once, from the posting that receives.
with events as (
    select
        block_date as activity_date,
        mint,
        decimals,
        canonical_event,
        amount,
        holder,
        slot,
        block_time
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to'
        {% if is_incremental() %}
            and {{ on_days('block_date', rebuild_days()) }}
        {% endif %}
),

totals as (
    select
        activity_date,
        mint,
        max(decimals) as decimals,
        {{ sum_where("canonical_event = 'entry'", 'amount') }} as entry_volume,
        {{ count_where("canonical_event = 'entry'") }} as entry_count,
        {{ sum_where("canonical_event = 'prize_distributed'", 'amount') }} as prize_volume,
        {{ count_where("canonical_event = 'prize_distributed'") }} as prize_count,
        {{ sum_where("canonical_event = 'fee_collected'", 'amount') }} as fee_revenue,
        {{ sum_where("canonical_event = 'refund'", 'amount') }} as refunds,
        {{ count_where("canonical_event = 'refund'") }} as refund_count,
        {{ sum_where("canonical_event = 'deposit'", 'amount') }} as deposits,
        {{ count_where("canonical_event = 'deposit'") }} as deposit_count,
        {{ sum_where("canonical_event = 'withdrawal'", 'amount') }} as withdrawals_amount,
        {{ count_where("canonical_event = 'withdrawal'") }} as withdrawals_count,
        count(distinct if(canonical_event = 'withdrawal', holder, null)) as withdrawals_users,
        max(slot) as as_of_slot,
        max(block_time) as as_of_time
    from events
    group by activity_date, mint
)

select
    activity_date,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    entry_volume,
    entry_count,
    prize_volume,
    prize_count,
    fee_revenue,
    refunds,
    refund_count,
    deposits,
    deposit_count,
    withdrawals_amount,
    withdrawals_count,
    withdrawals_users,
    deposits - withdrawals_amount as net_deposits,
    entry_volume as mean_entry_numerator,
    entry_count as mean_entry_denominator,
    as_of_slot,
    as_of_time
from totals
