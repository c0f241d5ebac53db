-- The manifest keeps one row per object already.
select
    uri,
    source,
    dataset,
    origin_uri,
    window_start,
    window_end,
    generation,
    size_bytes,
    sha256,
    state,
    rows_loaded,
    rows_quarantined,
    event_dates,
    landed_at,
    loaded_at
from {{ source('ops', 'objects') }}
