{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'error_date', 'data_type': 'date'},
    cluster_by=['collection'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M13: writes to Firestore that failed, an hour, collection and code. Google's audit log and the platform's own entries
-- may tell of the same failure, so they are kept apart.
with failed as (
    select
        event_date,
        logged_at,
        error_code,
        collections,
        if(service is null, 'application', 'audit') as logged_by
    from {{ ref('stg_cloud_logging__entries') }}
    where
        error_code is not null
        and logged_at is not null
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
        and if(
            service is null,
            collections <> '[]' and severity in ('ERROR', 'CRITICAL', 'ALERT', 'EMERGENCY'),
            service in ('firestore.googleapis.com', 'datastore.googleapis.com')
            and regexp_contains(method, r'\.(BatchWrite|Commit|CreateDocument|DeleteDocument|UpdateDocument|Write)$')
        )
),

by_collection as (
    select
        failed.event_date,
        failed.logged_at,
        failed.error_code,
        failed.logged_by,
        coalesce(collection, 'unknown') as collection
    from failed
    left join unnest(json_value_array(failed.collections)) as collection
)

select
    event_date as error_date,
    timestamp_trunc(logged_at, hour) as hour_start,
    logged_by,
    collection,
    error_code as code,
    count(*) as errors,
    min(logged_at) as first_at,
    max(logged_at) as last_at
from by_collection
group by error_date, hour_start, logged_by, collection, code
