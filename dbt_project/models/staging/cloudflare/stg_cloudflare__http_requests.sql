-- No field of a request is unique (a RayID is not), so nothing can be taken for a repeat.
select
    ray_id,
    parent_ray_id,
    edge_start_at,
    edge_start_unixnano,
    edge_end_at,
    method,
    host,
    path,
    status as status_code,
    cache_status,
    origin_duration_ms,
    sample_rate,
    record,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'cloudflare_http_requests') }}
where {{ of_current_objects() }}
