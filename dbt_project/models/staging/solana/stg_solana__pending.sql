-- A sighting is written once; a landed object may repeat.
select
    signature,
    address,
    slot,
    block_time,
    success as is_success,
    confirmation_status,
    finalized_slot,
    seen_at,
    attempt_id,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_pending') }}
qualify row_number() over (
    partition by attempt_id, address, signature, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
