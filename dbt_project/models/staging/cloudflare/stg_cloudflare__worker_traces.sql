-- Traces have no natural id: object and line are the key, and each is loaded once.
select
    event_at,
    script_name,
    event_type,
    outcome,
    cpu_ms,
    wall_ms,
    log_count,
    error_log_count,
    warning_log_count,
    exception_count,
    record,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'cloudflare_worker_traces') }}
where {{ of_current_objects() }}
