{{ config(materialized='table') }}

-- Why a metric has no figures, or how fresh they are: a row for each metric and each source that it needs. A source is
-- as fresh as the newest window that anything was landed for.
with metrics as (
    select
        cast(null as string) as metric,
        cast(null as string) as source,
        cast(null as bool) as is_enabled,
        cast(null as bool) as is_on_platform,
        cast(null as int64) as silent_hours
    {%- for metric, needs in var('metrics').items() %}
        {%- for source in needs['sources'] %}
            {%- set settings = var('sources').get(source) or {'enabled': true, 'silent_hours': none} %}
            union all
            select
                '{{ metric }}',
                '{{ source }}',
                {{ settings['enabled'] }},
                {{ needs['on_platform'] }},
                {{ settings['silent_hours'] if settings['silent_hours'] is not none else 'cast(null as int64)' }}
        {%- endfor %}
    {%- endfor %}
),

landed as (
    select
        source,
        least(max(window_end), {{ covered_until() }}) as read_until
    from {{ ref('stg_warehouse__objects') }}
    where state in ('loaded', 'duplicate')
    group by source
    union all
    select
        'warehouse' as source,
        {{ covered_until() }} as read_until
),

health as (
    select
        source,
        newest_event_date,
        newest_event_at
    from {{ ref('warehouse_health') }}
)

select
    metrics.metric,
    metrics.source,
    case
        when not metrics.is_enabled then 'off'
        when not metrics.is_on_platform then 'not_on_platform'
        when landed.read_until is null then 'never'
        when
            timestamp_diff({{ covered_until() }}, landed.read_until, second) > metrics.silent_hours * 3600
            then 'late'
        else 'current'
    end as state,
    landed.read_until,
    health.newest_event_date as as_of_date,
    health.newest_event_at as as_of_time,
    {{ covered_until() }} as covered_until
from metrics
left join landed on metrics.source = landed.source
left join health on metrics.source = health.source
where metrics.metric is not null
