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
        timestamp_diff(alerts.acknowledged_at, alerts.opened_at, millisecond) as acknowledge_ms,
        coalesce(notifications.notifications_sent, 0) as notifications_sent,
        coalesce(notifications.notifications_waiting, 0) as notifications_waiting,
        greatest(
            alerts.last_seen_at,
            coalesce(alerts.resolved_at, alerts.last_seen_at),
            coalesce(alerts.acknowledged_at, alerts.last_seen_at)
        ) as known_at
    from {{ ref('stg_warehouse__alerts') }} as alerts
    left join notifications
        on alerts.alert_key = notifications.alert_key and alerts.opened_at = notifications.alert_opened_at
),

placed as (
    {{ placed('alerts', ['alert_date', 'rule', 'severity'], 'resolve_ms') }}
),

acknowledgements as (
    {{ placed('alerts', ['alert_date', 'rule', 'severity'], 'acknowledge_ms') }}
),

acknowledged as (
    select
        alert_date,
        rule,
        severity,
        count(acknowledge_ms) as acknowledged,
        {{ whole('sum(acknowledge_ms)') }} as acknowledge_sum_ms,
        {{ percentiles('acknowledge_ms', 'acknowledge_p*_ms', [50]) }},
        max(acknowledge_ms) as acknowledge_max_ms
    from acknowledgements
    group by alert_date, rule, severity
),

resolved as (
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
        {{ count_where('resolve_ms <= 60000') }} as noise_rate_numerator,
        {{ whole('sum(notifications_sent)') }} as notifications_sent,
        {{ whole('sum(notifications_waiting)') }} as notifications_waiting,
        max(known_at) as as_of_time
    from placed
    group by alert_date, rule, severity
)

select
    resolved.alert_date,
    resolved.rule,
    resolved.severity,
    resolved.opened,
    resolved.resolved,
    resolved.still_open,
    resolved.resolve_sum_ms,
    resolved.resolve_p50_ms,
    resolved.resolve_max_ms,
    acknowledged.acknowledged,
    acknowledged.acknowledge_sum_ms,
    acknowledged.acknowledge_p50_ms,
    acknowledged.acknowledge_max_ms,
    resolved.noise_rate_numerator,
    resolved.opened as noise_rate_denominator,
    resolved.notifications_sent,
    resolved.notifications_waiting,
    resolved.as_of_time
from resolved
inner join acknowledged
    on
        resolved.alert_date = acknowledged.alert_date
        and resolved.rule = acknowledged.rule
        and resolved.severity = acknowledged.severity
