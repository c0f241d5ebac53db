-- Landed as often as its transaction; the newest mapping wins.
select
    canonical_key,
    event_key,
    ordinal,
    signature,
    slot,
    block_time,
    program_id,
    event_name,
    canonical_event,
    escrow_id,
    holder,
    mint,
    decimals,
    vault,
    amount,
    from_class,
    to_class,
    arbiter,
    outcome,
    rating,
    reason,
    units,
    status,
    profile,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'canonical_events') }}
qualify row_number() over (
    partition by canonical_key, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
