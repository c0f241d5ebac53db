{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='object_uri',
    cluster_by=['object_uri'],
) }}
{%- set tables = ['firestore_changelog', 'firebase_auth_users', 'cloud_logging_entries'] -%}
{%- set broken = ['bad_csv', 'bad_gzip', 'truncated_gzip', 'unreadable'] -%}

-- Each exported object's records as counted without the code that makes its rows, beside its rows in raw (staging would
-- hide doubles) and in quarantine. Only objects all of whose partitions this run reads; the others keep what was found.
-- An object that isn't whole can't be counted: its quarantine row tells of it.
with read_whole as (
    select
        objects.uri,
        objects.dataset,
        objects.origin_uri,
        objects.generation,
        date(objects.window_start) as window_date
    from {{ ref('stg_warehouse__objects') }} as objects
    left join unnest(json_value_array(objects.event_dates)) as day
    where objects.source = 'firebase' and objects.state = 'loaded'
    group by objects.uri, objects.dataset, objects.origin_uri, objects.generation, window_date
    {% if is_incremental() %}
        having {{ count_where('not (' ~ on_days('safe_cast(day as date)', rebuild_days()) ~ ')') }} = 0
    {% endif %}
),

raw_rows as (
    {% for table in tables %}
        select
            _object_uri as object_uri,
            count(*) as found
        from {{ source('raw', table) }}
        where
            _event_date is not null
            {% if is_incremental() %}
                and {{ on_days('_event_date', rebuild_days()) }}
            {% endif %}
        group by _object_uri
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

quarantine as (
    select
        object_uri,
        count(*) as quarantined,
        {{ count_where('reason_code in ' ~ text_list(broken)) }} as broken
    from {{ ref('stg_warehouse__quarantine') }}
    where
        source = 'firebase'
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by object_uri
)

select
    read_whole.uri as object_uri,
    read_whole.dataset,
    read_whole.origin_uri,
    read_whole.generation,
    read_whole.window_date,
    counted.counted_by,
    counted.records,
    coalesce(raw_rows.found, 0) as loaded,
    coalesce(quarantine.quarantined, 0) as quarantined
from read_whole
inner join {{ ref('stg_warehouse__record_counts') }} as counted on read_whole.uri = counted.object_uri
left join raw_rows on read_whole.uri = raw_rows.object_uri
left join quarantine on read_whole.uri = quarantine.object_uri
where coalesce(quarantine.broken, 0) = 0
