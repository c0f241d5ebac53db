{%- set told = finding_days() + rebuild_days() + document_days(ref('int_users__states')) -%}
{%- set cohorts = cohort_days(told | unique | sort) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'cohort_date', 'data_type': 'date'},
) }}
{{ states_partitions(cohorts) }}

-- M18, retention: of the users who were new on a UTC day, those active exactly 1, 7 and 30 days later. A day is due
-- once it is known to its end; before, nobody can have been lost, so the figure is null.
with joined as (
    select
        state_date as cohort_date,
        user_id,
        max(changed_at) as changed_at
    from {{ ref('int_users__states') }}
    where
        joined_date = state_date
        {% if is_incremental() %}
            and {{ on_days('state_date', cohorts) }}
        {% endif %}
    group by state_date, user_id
),

actions as (
    select
        activity_date,
        actor,
        last_action_at
    from {{ ref('int_users__activity_daily') }}
    where
        is_user
        {% if is_incremental() %}
            and {{ on_days('activity_date', return_days(cohorts)) }}
        {% endif %}
)

select
    joined.cohort_date,
    day_number,
    count(*) as cohort_size,
    if(
        date_add(joined.cohort_date, interval day_number day) <= date '{{ last_whole_day() }}',
        count(actions.actor),
        null
    ) as retained_users,
    greatest(max(joined.changed_at), coalesce(max(actions.last_action_at), max(joined.changed_at))) as as_of_time
from joined
cross join unnest({{ retention_offsets() }}) as day_number
left join actions
    on
        joined.user_id = actions.actor
        and date_add(joined.cohort_date, interval day_number day) = actions.activity_date
        and actions.activity_date <= date '{{ last_whole_day() }}'
group by joined.cohort_date, day_number
