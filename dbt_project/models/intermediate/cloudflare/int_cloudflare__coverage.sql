{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'coverage_date', 'data_type': 'date'},
    cluster_by=['dataset'],
) }}
{{ states_partitions(coverage_days()) }}

-- Which part of each day an object of Logpush vouches for. Its name says so: [start, end) of what was collected, also
-- where nothing happened. An object whose name says nothing (a copy) vouches from its first event to its last.
with objects as (
    select
        uri,
        dataset,
        safe.parse_timestamp(
            '%Y%m%dT%H%M%S', regexp_extract(origin_uri, r'/([0-9]{8}T[0-9]{6})Z_[0-9]{8}T[0-9]{6}Z_[^/]*$')
        ) as named_from,
        safe.parse_timestamp(
            '%Y%m%dT%H%M%S', regexp_extract(origin_uri, r'/[0-9]{8}T[0-9]{6}Z_([0-9]{8}T[0-9]{6})Z_[^/]*$')
        ) as named_to
    from {{ ref('stg_warehouse__objects') }}
    where
        source = 'cloudflare' and dataset in ('http_requests', 'workers_trace_events')
        and state in ('loaded', 'duplicate')
),

events as (
    select
        object_uri,
        event_date,
        min(edge_start_at) as first_at,
        max(edge_start_at) as last_at
    from {{ ref('stg_cloudflare__http_requests') }}
    where {{ on_days('event_date', coverage_days()) }}
    group by object_uri, event_date

    union all

    select
        object_uri,
        event_date,
        min(event_at) as first_at,
        max(event_at) as last_at
    from {{ ref('stg_cloudflare__worker_traces') }}
    where {{ on_days('event_date', coverage_days()) }}
    group by object_uri, event_date
),

days as (
    {{ day_rows(coverage_days()) }}
)

select
    days.day as coverage_date,
    objects.dataset,
    objects.uri as object_uri,
    greatest(objects.named_from, timestamp(days.day)) as covered_from,
    least(objects.named_to, timestamp(date_add(days.day, interval 1 day))) as covered_to,
    true as is_named
from objects
inner join days
    on
        date(objects.named_from) <= days.day
        and timestamp(days.day) < objects.named_to
where objects.named_from is not null and objects.named_to is not null

union all

select
    events.event_date as coverage_date,
    objects.dataset,
    objects.uri as object_uri,
    events.first_at as covered_from,
    events.last_at as covered_to,
    false as is_named
from objects
inner join events on objects.uri = events.object_uri
where (objects.named_from is null or objects.named_to is null) and events.first_at is not null
