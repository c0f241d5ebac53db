-- What the exporter says of an export: each metadata file once.
select
    export_uri,
    kind,
    file as metadata_file,
    documents,
    size_bytes,
    outputs,
    started_at,
    ended_at,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'firestore_export_metadata') }}
where {{ of_current_objects() }}
qualify row_number() over (
    partition by export_uri, kind, file, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
