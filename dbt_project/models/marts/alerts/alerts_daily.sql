{{ config(materialized='view') }}

-- M25: alerts by the UTC day on which they opened, rule and severity, so that a rate's parts share one day. A view,
-- for alerts change after the models were built.
with notifications as (
    select
        alert_key,
        alert_opened_at,
        {{ count_where("state = 'sent'") }} as notifications_sent,
        {{ count_where("state <> 'sent'") }} as notifications_waiting
    from {{ ref('stg_warehouse__notifications') }}
    group by alert_key, alert_opened_at
),

alerts as (
    select
        date(alerts.opened_at) as alert_date,
        alerts.rule,
        alerts.severity,
        alerts.resolved_at,
        timestamp_diff(alerts.resolved_at, alerts.opened_at, millisecond) as resolve_ms,
        coalesce(notifications.notifications_sent, 0) as notifications_sent,
        coalesce(notifications.notifications_waiting, 0) as notifications_waiting,
        greatest(alerts.last_seen_at, coalesce(alerts.resolved_at, alerts.last_seen_at)) as known_at
    from {{ ref('stg_warehouse__alerts') }} as alerts
    left join notifications
        on alerts.alert_key = notifications.alert_key and alerts.opened_at = notifications.alert_opened_at
),

placed as (
    {{ placed('alerts', ['alert_date', 'rule', 'severity'], 'resolve_ms') }}
)

select
    alert_date,
    rule,
    severity,
    count(*) as opened,
    count(resolve_ms) as resolved,
    count(*) - count(resolve_ms) as still_open,
    {{ whole('sum(resolve_ms)') }} as resolve_sum_ms,
    {{ percentiles('resolve_ms', 'resolve_p*_ms', [50]) }},
    max(resolve_ms) as resolve_max_ms,
    cast(null as int64) as acknowledge_p50_ms,
    cast(null as int64) as acknowledge_max_ms,
    {{ count_where('resolve_ms <= 60000') }} as noise_rate_numerator,
    count(*) as noise_rate_denominator,
    {{ whole('sum(notifications_sent)') }} as notifications_sent,
    {{ whole('sum(notifications_waiting)') }} as notifications_waiting,
    max(known_at) as as_of_time
from placed
group by alert_date, rule, severity
