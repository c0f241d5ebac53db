{{ config(materialized='view') }}

-- Every movement of the Stripe balance under the name that the figures use. Signs stay Stripe's: what leaves the
-- balance is negative.
select
    account,
    balance_transaction_id,
    created_at,
    event_date,
    livemode,
    currency,
    decimals,
    case
        when transaction_type in ('payout', 'payout_cancel', 'payout_failure') then transaction_type
        when transaction_type in ('charge', 'payment') then 'gross'
        when transaction_type in ('refund', 'payment_refund') then 'refund'
        when reporting_category in ('dispute', 'dispute_reversal') then reporting_category
        when transaction_type in ('stripe_fee', 'stripe_fx_fee', 'tax_fee', 'network_cost') then 'fee'
        else 'other'
    end as movement,
    amount,
    fee,
    net,
    source_id
from {{ ref('stg_stripe__balance_transactions') }}
