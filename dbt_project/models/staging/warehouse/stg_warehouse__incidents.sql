-- One row an incident, without its texts.
select
    incident_id,
    level,
    status,
    status_at,
    started_at,
    monitoring_at,
    resolved_at,
    array_length(json_query_array(alerts)) as alerts
from {{ source('ops', 'incidents') }}
