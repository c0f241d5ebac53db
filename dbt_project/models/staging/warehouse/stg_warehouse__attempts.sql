-- Attempts are written once.
select
    attempt_id,
    run_id,
    step,
    source,
    window_start,
    window_end,
    started_at,
    ended_at,
    outcome,
    detail,
    objects,
    rows_loaded,
    rows_quarantined,
    bytes_scanned
from {{ source('ops', 'attempts') }}
