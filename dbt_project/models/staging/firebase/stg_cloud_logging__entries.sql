-- The sink may deliver an entry again; insertId, timestamp and logName together are its key. Without an insertId
-- nothing tells a repeat from another entry, so all such are kept.
select
    insert_id,
    `timestamp` as logged_at,
    log_name,
    severity,
    resource_type,
    service,
    method,
    error_code,
    collections,
    record,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'cloud_logging_entries') }}
where {{ of_current_objects() }}
qualify row_number() over (
    partition by
        insert_id,
        if(insert_id is null, concat(_object_uri, ':', cast(_line as string)), ''),
        `timestamp`,
        log_name,
        _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
