-- The newest version of each customer of an account: the one read for the latest window, whose events tell of its last
-- change. Older versions stay in raw.
select
    id as customer_id,
    created as created_at,
    livemode,
    account,
    api_version,
    read_through as read_through_at,
    record,
    currency,
    delinquent as is_delinquent,
    deleted as is_deleted,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'stripe_customers') }}
qualify row_number() over (
    partition by account, id, _event_date
    order by read_through desc, _landed_at desc, _object_uri desc, _line desc
) = 1
