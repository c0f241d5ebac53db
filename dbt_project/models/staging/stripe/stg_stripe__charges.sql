-- The newest version of each charge of an account: the one read for the latest window, whose events tell of its last
-- change. Older versions stay in raw.
select
    id as charge_id,
    created as created_at,
    livemode,
    account,
    api_version,
    read_through as read_through_at,
    record,
    amount,
    amount_refunded,
    currency,
    {{ currency_decimals('currency') }} as decimals,
    status,
    paid as is_paid,
    refunded as is_refunded,
    disputed as is_disputed,
    customer as customer_id,
    payment_intent as payment_intent_id,
    balance_transaction as balance_transaction_id,
    failure_code,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'stripe_charges') }}
qualify row_number() over (
    partition by account, id, _event_date
    order by read_through desc, _landed_at desc, _object_uri desc, _line desc
) = 1
