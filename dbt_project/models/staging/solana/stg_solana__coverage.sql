-- Each provider that listed an interval has a row of its own; of two runs over the same one the newest listing wins.
select
    address,
    from_slot,
    to_slot,
    from_time,
    to_time,
    oldest_signature,
    newest_signature,
    signatures,
    providers,
    covered_at,
    attempt_id,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_coverage') }}
qualify row_number() over (
    partition by address, from_slot, to_slot, providers, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
