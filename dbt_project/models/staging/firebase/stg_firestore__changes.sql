-- The tracker delivers at least once, so event ids repeat. Imports carry the id "": those of the same document with the
-- same data are one.
select
    `timestamp` as changed_at,
    event_id,
    document_name,
    document_id,
    collection,
    operation,
    data,
    old_data,
    path_params,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'firestore_changelog') }}
where {{ of_current_objects() }}
qualify row_number() over (
    partition by
        event_id,
        if(event_id = '', document_name, ''),
        if(event_id = '', coalesce(data, ''), ''),
        _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
