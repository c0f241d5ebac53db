-- The newest version of each refund: the one read for the latest window.
select
    id as refund_id,
    created as created_at,
    livemode,
    account,
    api_version,
    read_through as read_through_at,
    record,
    amount,
    currency,
    status,
    charge as charge_id,
    payment_intent as payment_intent_id,
    balance_transaction as balance_transaction_id,
    reason,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'stripe_refunds') }}
qualify row_number() over (
    partition by id, _event_date
    order by read_through desc, _landed_at desc, _object_uri desc, _line desc
) = 1
