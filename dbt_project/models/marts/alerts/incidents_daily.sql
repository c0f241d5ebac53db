{{ config(materialized='view') }}

-- M25: incidents by the UTC day on which they began and their level. A view, for incidents change after the models were
-- built.
with incidents as (
    select
        date(started_at) as incident_date,
        level,
        alerts,
        status = 'monitoring' as is_monitored,
        timestamp_diff(resolved_at, started_at, millisecond) as resolve_ms,
        status_at
    from {{ ref('stg_warehouse__incidents') }}
),

placed as (
    {{ placed('incidents', ['incident_date', 'level'], 'resolve_ms') }}
)

select
    incident_date,
    level,
    count(*) as opened,
    count(resolve_ms) as resolved,
    {{ count_where('is_monitored') }} as monitored,
    count(*) - count(resolve_ms) as still_open,
    {{ whole('sum(alerts)') }} as alerts,
    {{ whole('sum(resolve_ms)') }} as resolve_sum_ms,
    {{ percentiles('resolve_ms', 'resolve_p*_ms', [50]) }},
    max(resolve_ms) as resolve_max_ms,
    max(status_at) as as_of_time
from placed
group by incident_date, level
