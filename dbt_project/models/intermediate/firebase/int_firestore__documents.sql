{{ config(materialized='view') }}

-- The documents that are there now. A deleted one isn't; int_firestore__history keeps what it was.
select
    document_name,
    document_id,
    collection,
    version,
    operation,
    valid_from as changed_at,
    event_id,
    data
from {{ ref('int_firestore__history') }}
where is_latest and not is_deleted
