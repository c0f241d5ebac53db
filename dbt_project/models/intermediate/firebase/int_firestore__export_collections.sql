{%- set days = export_days(this, ref('int_firestore__exports')) -%}
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
        {{ database_root('document_name') }} as database_root,
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

present as (
    select
        exports.export_uri,
        presence.document_name,
        presence.collection,
        ends_with(presence.document_name, '/documents/') as is_collection
    from exports
    inner join {{ ref('int_firestore__presence') }} as presence
        on
            exports.started_at >= presence.valid_from
            and exports.started_at < coalesce(presence.valid_to, timestamp '{{ open_end() }}T00:00:00Z')
    {% if is_incremental() %}
        where presence.until_date >= date '{{ shift_day(days[0], -1) }}'
    {% endif %}
),

tracked as (
    select
        export_uri,
        document_name as database_root,
        collection
    from present
    where is_collection
),

was_there as (
    select
        export_uri,
        document_name,
        collection
    from present
    where not is_collection
),

moving as (
    select distinct
        exports.export_uri,
        changes.document_name
    from exports
    inner join {{ ref('stg_firestore__changes') }} as changes
        on exports.started_at < changes.changed_at and exports.ended_at >= changes.changed_at
    {% if is_incremental() %}
        where {{ on_days('changes.event_date', with_neighbours(days)) }}
    {% endif %}
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
