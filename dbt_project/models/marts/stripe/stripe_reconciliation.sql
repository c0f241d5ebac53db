{{ config(materialized='table') }}

-- Each charge, refund, dispute and payout, three ways: what the platform's own records state, what Stripe holds, what
-- moved the balance; and the payout that took it to the bank. The first difference found is the reason. A payout takes
-- all that has become available since the one before.
with recorded as (
    select count(*) > 0 as has_records
    from {{ ref('int_stripe__items') }}
    where records > 0
),

payouts as (
    select
        stripe_id,
        account,
        currency,
        created_at,
        status,
        coalesce(
            lag(created_at) over (partition by account, currency order by created_at, stripe_id),
            timestamp '1970-01-01T00:00:00Z'
        ) as created_before
    from {{ ref('int_stripe__items') }}
    where object_type = 'payout' and has_object
),

judged as (
    select
        items.*,
        case
            when not items.has_object and items.records = 0 then 'missing_object'
            when not items.has_object and items.first_recorded_at < {{ settled_until() }} then 'missing_in_stripe'
            when not items.has_object then 'in_flight'
            when items.statements > 1 then 'duplicate'
            when recorded.has_records and items.statements = 0 and items.created_at < {{ settled_until() }}
                then 'missing_in_platform'
            when recorded.has_records and items.statements = 0 then 'in_flight'
            when items.stated_currency <> items.currency then 'currency_differs'
            when items.stated_amount <> items.amount then 'amount_differs'
            when items.object_type = 'charge' and items.stated_failed <> (items.status = 'failed') then 'status_differs'
            when items.expected_balance <> 0 and items.balance_transactions = 0 then 'missing_balance_transaction'
            when
                items.balance_currency = items.currency and items.balance_amount <> items.expected_balance
                then 'balance_differs'
            when items.object_type = 'payout' and items.status in ('failed', 'canceled') then 'payout_returned'
            when
                items.object_type = 'payout'
                and items.status <> 'paid'
                and timestamp_add(items.arrives_at, interval 1 day) < {{ covered_until() }}
                then 'payout_overdue'
            when items.object_type = 'payout' and items.status <> 'paid' then 'pending_payout'
            else 'matched'
        end as reason
    from {{ ref('int_stripe__items') }} as items
    cross join recorded
)

select
    judged.stripe_id,
    judged.object_type,
    coalesce(judged.account, '') as account,
    judged.reason,
    judged.reason not in ('matched', 'pending_payout', 'in_flight') as is_exception,
    coalesce(judged.currency, judged.stated_currency, judged.balance_currency) as currency,
    {{ currency_decimals('coalesce(judged.currency, judged.stated_currency, judged.balance_currency)') }} as decimals,
    judged.stated_amount,
    judged.stated_currency,
    judged.amount as stripe_amount,
    judged.balance_amount,
    case judged.reason
        when 'missing_object' then judged.balance_amount
        when 'missing_in_stripe' then judged.stated_amount
        when 'missing_in_platform' then -judged.amount
        when 'duplicate' then (judged.statements - 1) * judged.amount
        when 'amount_differs' then judged.stated_amount - judged.amount
        when 'currency_differs' then judged.stated_amount
        when 'status_differs' then if(judged.stated_failed, -judged.amount, judged.amount)
        when 'missing_balance_transaction' then -judged.expected_balance
        when 'balance_differs' then judged.balance_amount - judged.expected_balance
        when 'payout_returned' then -judged.amount
        when 'payout_overdue' then -judged.amount
        else numeric '0'
    end as difference,
    judged.status,
    judged.statements,
    judged.balance_transactions,
    judged.first_seq,
    judged.last_seq,
    if(judged.object_type = 'payout', judged.stripe_id, payouts.stripe_id) as payout_id,
    if(judged.object_type = 'payout', judged.status, payouts.status) as payout_status,
    least(
        coalesce(judged.created_at, judged.first_recorded_at, judged.first_booked_at),
        coalesce(judged.first_recorded_at, judged.created_at, judged.first_booked_at)
    ) as first_seen_at
from judged
left join payouts
    on
        judged.account = payouts.account
        and judged.balance_currency = payouts.currency
        and judged.available_at > payouts.created_before
        and judged.available_at <= payouts.created_at
        and judged.object_type <> 'payout'
