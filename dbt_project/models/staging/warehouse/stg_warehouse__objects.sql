-- The manifest keeps one row per object already.
select
    uri,
    slice,
    source,
    dataset,
    origin_uri,
    origin_version,
    window_start,
    window_end,
    generation,
    size_bytes,
    sha256,
    content_sha256,
    replaces,
    superseded_by,
    duplicate_of,
    state,
    rows_loaded,
    rows_quarantined,
    event_dates,
    landed_at,
    loaded_at
from {{ source('ops', 'objects') }}
