{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'export_date', 'data_type': 'date'},
) }}
{{ states_partitions(rebuild_days()) }}

-- Managed exports: the documents that the exporter says it wrote beside those that were read. An export whose overall
-- metadata haven't come is still being written, and isn't here.
with stated as (
    select
        export_uri,
        event_date,
        {{ whole('sum(documents)') }} as documents,
        {{ whole('sum(size_bytes)') }} as size_bytes
    from {{ ref('stg_firestore__export_metadata') }}
    where
        kind = 'overall'
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by export_uri, event_date
),

times as (
    select
        export_uri,
        min(started_at) as started_at,
        max(ended_at) as ended_at
    from {{ ref('stg_firestore__export_metadata') }}
    where
        kind = 'part'
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
    group by export_uri
),

outputs as (
    select
        regexp_replace(objects.origin_uri, r'/all_namespaces/.*$', '') as export_uri,
        {{ count_where("objects.state <> 'loaded'") }} as waiting,
        {{ whole('sum(objects.size_bytes)') }} as received_bytes,
        {{ whole('sum(objects.rows_loaded)') }} as loaded,
        {{ whole('sum(objects.rows_quarantined)') }} as quarantined
    from {{ ref('stg_warehouse__objects') }} as objects
    where
        objects.dataset = 'managed_export'
        and objects.superseded_by is null
        and regexp_contains(objects.origin_uri, r'/all_namespaces/.*/output-[0-9]+$')
    group by export_uri
)

select
    stated.export_uri,
    stated.event_date as export_date,
    times.started_at,
    times.ended_at,
    stated.documents,
    coalesce(outputs.loaded, 0) as loaded,
    coalesce(outputs.quarantined, 0) as quarantined,
    stated.size_bytes,
    coalesce(outputs.received_bytes, 0) as received_bytes
from stated
left join times on stated.export_uri = times.export_uri
left join outputs on stated.export_uri = outputs.export_uri
where coalesce(outputs.waiting, 0) = 0
