{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'delivery_date', 'data_type': 'date'},
    cluster_by=['event_type'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M12: each delivery of a Stripe webhook as the Worker logged it: created by Stripe -> handled, or failed and to be
-- repeated. Stripe states its times in whole seconds.
select
    event_date as delivery_date,
    {{ bucket_start('logged_at', 3600) }} as hour_start,
    event_id,
    event_type,
    attempt,
    logged_at as delivered_at,
    created_at,
    timestamp_diff(logged_at, created_at, millisecond) as latency_ms,
    duration_ms,
    outcome = 'handled' as is_handled,
    attempt > 1 as is_retry,
    error_name,
    service
from {{ ref('stg_cloudflare__worker_logs') }}
where
    kind = 'webhook' and provider = 'stripe' and event_date is not null
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
qualify row_number() over (
    partition by event_date, event_id, attempt, logged_at, outcome
    order by landed_at, object_uri, line_number, log_position
) = 1
