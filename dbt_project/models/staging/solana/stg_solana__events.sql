-- Landed as often as its transaction; the newest decoding wins.
select
    event_key,
    signature,
    slot,
    block_time,
    program_id,
    event_name,
    channel,
    position,
    duplicate_of,
    status,
    data,
    trailing_hex,
    idl,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_events') }}
qualify row_number() over (
    partition by event_key, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
