{%- set days = (looking_back_days(29) + document_days(ref('int_users__states'))) | unique | sort -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
) }}
{{ states_partitions(days) }}

-- M18: people per UTC day. Active users come from the audit log, new and registered ones from the users' documents; a
-- day that one of them says nothing of has null there, not zero.
with actions as (
    select
        activity_date,
        actor,
        is_user,
        last_action_at
    from {{ ref('int_users__activity_daily') }}
    {% if is_incremental() %}
        where {{ on_days('activity_date', and_days_before(days, 29)) }}
    {% endif %}
),

told as (
    select
        activity_date,
        {{ count_where('is_user') }} as daily_active,
        max(last_action_at) as last_action_at
    from actions
    group by activity_date
),

before as (
    select
        *,
        sum(daily_active) over (
            order by unix_date(activity_date) range between 7 preceding and 1 preceding
        ) as active_before,
        count(*) over (order by unix_date(activity_date) range between 7 preceding and 1 preceding) as days_before
    from told
),

reach as (
    select
        told.activity_date,
        count(distinct if(
            actions.activity_date > date_sub(told.activity_date, interval 7 day), actions.actor, null
        )) as weekly_active,
        count(distinct actions.actor) as monthly_active
    from told
    left join actions
        on
            actions.is_user
            and actions.activity_date between date_sub(told.activity_date, interval 29 day) and told.activity_date
    group by told.activity_date
),

people as (
    select
        state_date as activity_date,
        count(distinct if(joined_date = state_date, user_id, null)) as new_users,
        {{ count_where('is_closing and not is_deleted') }} as registered_users,
        max(changed_at) as last_change_at
    from {{ ref('int_users__states') }}
    {% if is_incremental() %}
        where {{ on_days('state_date', days) }}
    {% endif %}
    group by state_date
),

ratings as (
    select
        event_date as activity_date,
        sum(safe_cast({{ document_text('ratings', 'rating') }} as numeric)) as rating_sum,
        {{ count_where('safe_cast(' ~ document_text('ratings', 'rating') ~ ' as numeric) is not null') }} as ratings
    from {{ ref('stg_firestore__changes') }}
    where
        {{ is_document('ratings') }}
        and operation = 'CREATE'
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
    group by event_date
),

days as (
    select activity_date from told
    union distinct
    select activity_date from people
)

select
    days.activity_date,
    before.daily_active,
    reach.weekly_active,
    reach.monthly_active,
    {{ whole('if(before.days_before > 0, before.active_before, null)') }} as mean_daily_active_numerator,
    before.days_before as mean_daily_active_denominator,
    people.new_users,
    people.registered_users,
    ratings.rating_sum as mean_rating_numerator,
    ratings.ratings as mean_rating_denominator,
    greatest(
        coalesce(before.last_action_at, people.last_change_at), coalesce(people.last_change_at, before.last_action_at)
    ) as as_of_time
from days
left join before on days.activity_date = before.activity_date
left join reach on days.activity_date = reach.activity_date
left join people on days.activity_date = people.activity_date
left join ratings on days.activity_date = ratings.activity_date
{% if is_incremental() %}
    where {{ on_days('days.activity_date', days) }}
{% endif %}
