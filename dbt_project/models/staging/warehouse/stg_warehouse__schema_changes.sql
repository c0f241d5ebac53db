-- An object's rows are replaced with the object, so none repeats.
select
    source,
    dataset,
    field,
    change,
    json_type,
    records,
    first_line,
    _object_uri as object_uri,
    _landed_at as landed_at
from {{ source('ops', 'schema_changes') }}
