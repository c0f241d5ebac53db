{{ config(materialized='table') }}

-- What Firebase's exports hold beside what was loaded of them; nothing may be missing, and nothing more than once.
-- Only the newest managed export is held against the tracker's state: the one before it can't be put right any more.
with newest_export as (
    select max(started_at) as started_at
    from {{ ref('int_firestore__export_collections') }}
)

select
    'records' as kind,
    origin_uri as subject,
    dataset,
    '' as collection,
    generation,
    window_date as export_date,
    cast(null as timestamp) as as_of_time,
    records as expected,
    loaded as found,
    quarantined,
    greatest(records - loaded - quarantined, 0) as missing,
    greatest(loaded + quarantined - records, 0) as surplus
from {{ ref('int_firebase__object_counts') }}
union all
select
    'export' as kind,
    export_uri as subject,
    'managed_export' as dataset,
    '' as collection,
    1 as generation,
    export_date,
    ended_at as as_of_time,
    documents as expected,
    loaded as found,
    quarantined,
    greatest(documents - loaded - quarantined, 0) as missing,
    greatest(loaded + quarantined - documents, 0) as surplus
from {{ ref('int_firestore__exports') }}
union all
select
    'documents' as kind,
    collections.export_uri as subject,
    'managed_export' as dataset,
    collections.collection,
    1 as generation,
    collections.export_date,
    collections.started_at as as_of_time,
    collections.exported as expected,
    collections.tracked as found,
    0 as quarantined,
    collections.only_exported as missing,
    collections.only_tracked as surplus
from {{ ref('int_firestore__export_collections') }} as collections
inner join newest_export on collections.started_at = newest_export.started_at
