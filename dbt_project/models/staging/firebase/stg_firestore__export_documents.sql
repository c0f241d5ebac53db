-- A document is once in an export.
select
    export_uri,
    exported_at,
    document_name,
    document_id,
    collection,
    data,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'firestore_export_documents') }}
where {{ of_current_objects() }}
qualify row_number() over (
    partition by export_uri, document_name, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
