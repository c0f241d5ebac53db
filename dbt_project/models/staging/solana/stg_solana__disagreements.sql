-- Found again whenever the window is read again; the newest finding wins.
select
    provider,
    kind,
    address,
    signature,
    slot,
    block_time,
    held_by,
    found_by,
    found_at,
    attempt_id,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_disagreements') }}
qualify row_number() over (
    partition by provider, kind, address, signature, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
