{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['currency'],
) }}
{{ states_partitions(rebuild_days()) }}
{%- set cut = on_days('event_date', rebuild_days()) if is_incremental() else 'event_date is not null' %}

-- M21: Stripe per UTC day of creation and per currency, in minor units. Money follows the balance transactions; a
-- dispute's outcome counts on the day the dispute was opened, so that a rate's parts share one day. Connected accounts
-- have balances of their own and are left out, like test mode where the configuration doesn't count it.
with movements as (
    select
        event_date as activity_date,
        currency,
        {{ sum_where("movement = 'gross'", 'amount') }} as gross,
        {{ sum_where("movement = 'refund'", '-amount') }} as refunds,
        {{ sum_where("movement = 'dispute'", '-amount') }} as dispute_amount,
        {{ sum_where("movement = 'dispute_reversal'", 'amount') }} as dispute_reversed,
        {{ sum_where("movement not in ('payout', 'payout_cancel', 'payout_failure')", 'fee') }}
        + {{ sum_where("movement = 'fee'", '-amount') }} as fees,
        {{ sum_where("movement = 'other'", 'amount') }} as other,
        {{ sum_where("movement not in ('payout', 'payout_cancel', 'payout_failure')", 'net') }} as net,
        {{ sum_where("movement = 'payout'", '-amount') }} as payouts,
        {{ sum_where("movement in ('payout_cancel', 'payout_failure')", 'amount') }} as payouts_returned,
        sum(net) as balance_change,
        max(created_at) as as_of_time
    from {{ ref('int_stripe__money_movements') }}
    where {{ cut }} and {{ stripe_counts() }}
    group by event_date, currency
),

charges as (
    select
        event_date as activity_date,
        currency,
        {{ count_where("status = 'succeeded'") }} as charges_succeeded,
        {{ count_where("status = 'failed'") }} as failed_payments,
        max(created_at) as as_of_time
    from {{ ref('stg_stripe__charges') }}
    where {{ cut }} and {{ stripe_counts() }}
    group by event_date, currency
),

-- An inquiry (warning_...) moves no money and is no dispute yet.
disputes as (
    select
        event_date as activity_date,
        currency,
        {{ count_where("not starts_with(status, 'warning_')") }} as disputes_opened,
        {{ count_where("status = 'won'") }} as disputes_won,
        {{ count_where("status = 'lost'") }} as disputes_lost,
        {{ count_where("starts_with(status, 'warning_')") }} as inquiries_opened,
        max(created_at) as as_of_time
    from {{ ref('stg_stripe__disputes') }}
    where {{ cut }} and {{ stripe_counts() }}
    group by event_date, currency
),

days as (
    select
        activity_date,
        currency,
        as_of_time
    from movements
    union all
    select
        activity_date,
        currency,
        as_of_time
    from charges
    union all
    select
        activity_date,
        currency,
        as_of_time
    from disputes
),

keys as (
    select
        activity_date,
        currency,
        max(as_of_time) as as_of_time
    from days
    group by activity_date, currency
)

select
    keys.activity_date,
    keys.currency,
    {{ currency_decimals('keys.currency') }} as decimals,
    coalesce(movements.gross, 0) as gross,
    coalesce(movements.refunds, 0) as refunds,
    coalesce(movements.dispute_amount, 0) as dispute_amount,
    coalesce(movements.dispute_reversed, 0) as dispute_reversed,
    coalesce(movements.fees, 0) as fees,
    coalesce(movements.other, 0) as other,
    coalesce(movements.net, 0) as net,
    coalesce(movements.payouts, 0) as payouts,
    coalesce(movements.payouts_returned, 0) as payouts_returned,
    coalesce(movements.balance_change, 0) as balance_change,
    coalesce(charges.charges_succeeded, 0) as charges_succeeded,
    coalesce(charges.failed_payments, 0) as failed_payments,
    coalesce(disputes.disputes_opened, 0) as disputes_opened,
    coalesce(disputes.disputes_won, 0) as disputes_won,
    coalesce(disputes.disputes_lost, 0) as disputes_lost,
    coalesce(disputes.inquiries_opened, 0) as inquiries_opened,
    coalesce(disputes.disputes_opened, 0) as dispute_rate_numerator,
    coalesce(charges.charges_succeeded, 0) as dispute_rate_denominator,
    coalesce(charges.failed_payments, 0) as failure_rate_numerator,
    coalesce(charges.charges_succeeded, 0) + coalesce(charges.failed_payments, 0) as failure_rate_denominator,
    keys.as_of_time
from keys
left join movements
    on keys.activity_date = movements.activity_date and keys.currency = movements.currency
left join charges
    on keys.activity_date = charges.activity_date and keys.currency = charges.currency
left join disputes
    on keys.activity_date = disputes.activity_date and keys.currency = disputes.currency
