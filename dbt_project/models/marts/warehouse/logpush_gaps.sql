{%- set days = gap_days() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'gap_date', 'data_type': 'date'},
    cluster_by=['dataset'],
) }}
{{ states_partitions(days) }}

-- Whole minutes that no object of a Logpush dataset vouches for, as far as objects have had time to arrive, and up
-- to so many days after the dataset's last object: a log that is silent for longer is switched off. Logpush writes
-- nothing where nothing happened, so only gaps of the configured length count.
{%- set limits = var('logpush')['min_gap_minutes'] %}
{%- set reach = var('logpush')['off_after_days'] %}
with days as (
    {{ day_rows(days) }}
),

covered as (
    select
        coverage_date,
        dataset,
        min(covered_from) as first_at
    from {{ ref('int_cloudflare__coverage') }}
    where {{ on_days('coverage_date', and_days_before(days, reach)) }} and dataset in {{ text_list(limits | list) }}
    group by coverage_date, dataset
),

-- The part of each day that must be covered: all of it, or where nothing came in the days before what follows its first
-- object.
due as (
    select
        days.day,
        covered.dataset,
        greatest(timestamp(days.day), min(covered.first_at)) as due_from,
        least(timestamp(date_add(days.day, interval 1 day)), {{ logpush_due_until() }}) as due_to
    from days
    inner join covered
        on covered.coverage_date between date_sub(days.day, interval {{ reach }} day) and days.day
    where timestamp(days.day) < {{ logpush_due_until() }}
    group by days.day, covered.dataset
),

spans as (
    select
        coverage_date as day,
        dataset,
        covered_from,
        covered_to
    from {{ ref('int_cloudflare__coverage') }}
    where {{ on_days('coverage_date', days) }}

    union all

    select
        day,
        dataset,
        due_from as covered_from,
        due_from as covered_to
    from due

    union all

    select
        day,
        dataset,
        due_to as covered_from,
        due_to as covered_to
    from due
),

reached as (
    select
        day,
        dataset,
        covered_from,
        max(covered_to) over (
            partition by day, dataset
            order by covered_from, covered_to
            rows between unbounded preceding and 1 preceding
        ) as reached_to
    from spans
),

-- Cut to whole minutes.
holes as (
    select
        reached.day,
        reached.dataset,
        {{ next_minute('reached.reached_to') }} as gap_from,
        timestamp_trunc(least(reached.covered_from, due.due_to), minute) as gap_to
    from reached
    inner join due on reached.day = due.day and reached.dataset = due.dataset
    where reached.reached_to < reached.covered_from and reached.reached_to < due.due_to
),

measured as (
    select
        *,
        timestamp_diff(gap_to, gap_from, minute) as minutes
    from holes
    where gap_from < gap_to
),

gaps as (
    select *
    from measured
    where
        minutes >= case
            when dataset is null then 1
            {%- for name, minimum in limits.items() %}
                when dataset = '{{ name }}' then {{ minimum }}
            {%- endfor %}
        end
),

seen as (
    select
        event_date,
        'http_requests' as dataset,
        edge_start_at as happened_at
    from {{ ref('stg_cloudflare__http_requests') }}
    where {{ on_days('event_date', days) }}

    union all

    select
        event_date,
        'workers_trace_events' as dataset,
        event_at as happened_at
    from {{ ref('stg_cloudflare__worker_traces') }}
    where {{ on_days('event_date', days) }}
),

-- What is known of the time all the same: events that came in objects of another time, and those of the other dataset.
events as (
    select
        gaps.day,
        gaps.dataset,
        gaps.gap_from,
        {{ count_where("gaps.dataset = seen.dataset") }} as events_seen,
        {{ count_where("gaps.dataset <> seen.dataset") }} as other_events_seen
    from gaps
    inner join seen
        on gaps.day = seen.event_date and gaps.gap_from <= seen.happened_at and gaps.gap_to > seen.happened_at
    group by gaps.day, gaps.dataset, gaps.gap_from
)

select
    gaps.day as gap_date,
    gaps.dataset,
    gaps.gap_from,
    gaps.gap_to,
    gaps.minutes,
    coalesce(events.events_seen, 0) as events_seen,
    coalesce(events.other_events_seen, 0) as other_events_seen
from gaps
left join events on gaps.day = events.day and gaps.dataset = events.dataset and gaps.gap_from = events.gap_from
