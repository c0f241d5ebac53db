-- The id is a hash of place and reason, so a repeat is the same finding.
select
    quarantine_id,
    source,
    dataset,
    reason_code,
    reason,
    position,
    program_id,
    signature,
    raw_sealed,
    raw_bytes,
    first_seen_at,
    last_seen_at,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'quarantine') }}
qualify row_number() over (
    partition by quarantine_id, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
