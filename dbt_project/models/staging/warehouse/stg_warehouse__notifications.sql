-- One row a notification and channel; which opening of the alert it is about stands in its id.
select
    notification_id,
    alert_key,
    channel,
    kind,
    state,
    queued_at,
    sent_at,
    attempts,
    safe_cast(regexp_extract(notification_id, r'^[^:]+:[^:]+:(.+)$') as timestamp) as alert_opened_at
from {{ source('ops', 'notifications') }}
