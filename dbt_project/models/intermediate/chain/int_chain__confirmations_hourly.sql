{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'confirmation_date', 'data_type': 'date'},
) }}
{{ states_partitions(rebuild_days()) }}

-- What the relay says of the transactions that it submitted, by the hour in which it says so. A signature that is told
-- twice on a day counts once: as final where any line says so, since nothing final expires.
with told as (
    select
        event_date as confirmation_date,
        {{ bucket_start('logged_at', 3600) }} as hour_start,
        logged_at,
        outcome = 'finalized' as is_final,
        if(outcome = 'finalized', timestamp_diff(finalized_at, submitted_at, millisecond), null) as confirmation_ms,
        signature
    from {{ ref('stg_cloudflare__worker_logs') }}
    where
        kind = 'confirmation' and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    qualify row_number() over (
        partition by event_date, signature
        order by if(outcome = 'finalized', 0, 1), finalized_at, logged_at, object_uri, line_number, log_position
    ) = 1
),

placed as (
    select
        *,
        row_number() over (
            partition by confirmation_date, hour_start
            order by confirmation_ms nulls last, signature
        ) as place,
        count(confirmation_ms) over (partition by confirmation_date, hour_start) as total
    from told
)

select
    confirmation_date,
    hour_start,
    {{ count_where('is_final') }} as confirmed,
    {{ count_where('not is_final') }} as expired,
    {{ whole('coalesce(sum(confirmation_ms), 0)') }} as confirmation_sum_ms,
    {{ percentile('confirmation_ms', 50) }} as confirmation_p50_ms,
    {{ percentile('confirmation_ms', 95) }} as confirmation_p95_ms,
    {{ percentile('confirmation_ms', 99) }} as confirmation_p99_ms,
    max(confirmation_ms) as confirmation_max_ms,
    max(logged_at) as as_of_time
from placed
group by confirmation_date, hour_start
