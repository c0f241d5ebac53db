{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['actor'],
) }}
{{ states_partitions(rebuild_days()) }}

-- Who did anything on a UTC day, as the platform's audit log has it. Roles (the authority, the system) are kept beside
-- users: a day on which only they acted is a day without active users, a day without any record is one not known.
select
    event_date as activity_date,
    actor,
    coalesce(regexp_contains(actor, r'^user_[0-9a-f]{32}$'), false) as is_user,
    count(*) as actions,
    max(recorded_at) as last_action_at
from {{ ref('stg_platform__audit_events') }}
where
    event_date is not null
    and actor is not null
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
group by event_date, actor
