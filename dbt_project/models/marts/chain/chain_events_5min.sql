{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'event_date', 'data_type': 'date'},
    cluster_by=['canonical_event'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M8: what the platform's programs told, by canonical kind. An event that was emitted through two channels counts once
-- (its twin is a duplicate); events of failed transactions never happened, and stand apart.
select
    event_date,
    {{ bucket_start('block_time', 300) }} as bucket_start,
    canonical_event,
    {{ count_where("status = 'counted'") }} as events,
    {{ count_where("status = 'reverted'") }} as reverted,
    max(slot) as as_of_slot,
    max(block_time) as as_of_time
from {{ ref('stg_solana__canonical_events') }}
where
    event_date is not null and status in ('counted', 'reverted')
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
group by event_date, {{ bucket_start('block_time', 300) }}, canonical_event
