-- Delivered at least once. Only byte-equal repeats go; a number that comes with another hash is evidence.
select
    stream,
    seq,
    `at` as recorded_at,
    actor,
    action,
    amount,
    mint,
    currency,
    match_id,
    signature,
    stripe_id,
    prev_hash,
    `hash` as record_hash,
    computed_hash,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'platform_audit_events') }}
qualify row_number() over (
    partition by stream, seq, `hash`, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
