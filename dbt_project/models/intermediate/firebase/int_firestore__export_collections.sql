{%- set days = (rebuild_days() + document_days(this, 'export_date')) | unique | sort -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'export_date', 'data_type': 'date'},
) }}
{{ states_partitions(days) }}

-- The documents of an export beside those that the change tracker says were there when it began. Only collections that
-- the tracker had reported of by then, and no document that changed while the export was being written: it may be in it
-- as it was before or after. An export of which this run reads only a part (its folder names no day, and its files were
-- landed on several) isn't compared. A late change moves what was there at every later export: those are compared
-- again.
with documents as (
    select
        export_uri,
        document_name,
        collection,
        regexp_extract(document_name, r'^(.*/documents/)') as database_root,
        count(*) over (partition by export_uri) as read_documents
    from {{ ref('stg_firestore__export_documents') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
),

exports as (
    select distinct
        exports.export_uri,
        exports.export_date,
        exports.started_at,
        exports.ended_at
    from {{ ref('int_firestore__exports') }} as exports
    inner join documents on exports.export_uri = documents.export_uri and exports.loaded = documents.read_documents
    where
        exports.started_at is not null
        {% if is_incremental() %}
            and {{ on_days('exports.export_date', days) }}
        {% endif %}
),

changes as (
    select
        document_name,
        collection,
        is_deleted,
        valid_from,
        valid_to,
        regexp_extract(document_name, r'^(.*/documents/)') as database_root
    from {{ ref('int_firestore__history') }}
),

tracked as (
    select distinct
        exports.export_uri,
        changes.database_root,
        changes.collection
    from exports
    inner join changes on exports.started_at >= changes.valid_from
),

moving as (
    select distinct
        exports.export_uri,
        changes.document_name
    from exports
    inner join changes on exports.started_at < changes.valid_from and exports.ended_at >= changes.valid_from
),

was_there as (
    select
        exports.export_uri,
        changes.document_name,
        changes.collection
    from exports
    inner join changes on exports.started_at >= changes.valid_from
    where
        (changes.valid_to is null or changes.valid_to > exports.started_at)
        and not changes.is_deleted
),

exported as (
    select
        documents.export_uri,
        documents.document_name,
        documents.collection
    from documents
    inner join tracked
        on
            documents.export_uri = tracked.export_uri
            and documents.collection = tracked.collection
            and documents.database_root = tracked.database_root
),

compared as (
    select
        coalesce(exported.export_uri, was_there.export_uri) as export_uri,
        coalesce(exported.document_name, was_there.document_name) as document_name,
        coalesce(exported.collection, was_there.collection) as collection,
        exported.document_name is not null as is_exported,
        was_there.document_name is not null as is_there
    from exported
    full outer join was_there
        on exported.export_uri = was_there.export_uri and exported.document_name = was_there.document_name
)

select
    compared.export_uri,
    exports.export_date,
    compared.collection,
    exports.started_at,
    {{ count_where('compared.is_exported') }} as exported,
    {{ count_where('compared.is_there') }} as tracked,
    {{ count_where('compared.is_exported and not compared.is_there') }} as only_exported,
    {{ count_where('compared.is_there and not compared.is_exported') }} as only_tracked
from compared
inner join exports on compared.export_uri = exports.export_uri
left join moving
    on compared.export_uri = moving.export_uri and compared.document_name = moving.document_name
where moving.document_name is null
group by compared.export_uri, exports.export_date, compared.collection, exports.started_at
