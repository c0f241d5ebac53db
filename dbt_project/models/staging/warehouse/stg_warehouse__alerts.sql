-- One row an alert: a key that fires again has another time of opening. What is only pending is no alert yet.
select
    alert_key,
    rule,
    severity,
    state,
    opened_at,
    acknowledged_at,
    resolved_at,
    last_seen_at,
    window_start,
    window_end,
    run_id
from {{ source('ops', 'alerts') }}
where state <> 'pending'
