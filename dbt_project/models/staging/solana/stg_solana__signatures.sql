-- The newest listing of a signature states its final confirmation.
select
    address,
    signature,
    slot,
    block_time,
    success as is_success,
    confirmation_status,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_signatures') }}
qualify row_number() over (
    partition by address, signature, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
