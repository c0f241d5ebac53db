-- A call is written once; a landed object may repeat.
select
    call_id,
    attempt_id,
    provider,
    method,
    batch_size,
    called_at,
    latency_ms,
    outcome,
    error_code,
    slot,
    failover_from,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'rpc_calls') }}
qualify row_number() over (
    partition by call_id, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
