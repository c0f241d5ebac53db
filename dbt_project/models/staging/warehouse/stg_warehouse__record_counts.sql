-- A load counts each object once.
select
    source,
    dataset,
    counted_by,
    records,
    _object_uri as object_uri,
    _landed_at as landed_at
from {{ source('ops', 'record_counts') }}
