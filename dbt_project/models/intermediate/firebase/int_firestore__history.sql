{{ config(materialized='view') }}
{#-
Imports lie before every change, whatever their time. Two changes of a document at one instant: created, then updated,
then deleted; then by event id; imports by their data. So the order is the same however the rows arrived.
-#}
{%- set in_order -%}
    partition by document_name
    order by
        if(operation = 'IMPORT', 0, 1),
        changed_at,
        case operation when 'CREATE' then 1 when 'UPDATE' then 2 else 3 end,
        event_id,
        coalesce(data, '')
{%- endset %}

-- Every version of every document, oldest first: what it was from one change to the next.
select
    document_name,
    document_id,
    collection,
    row_number() over ({{ in_order }}) as version,
    operation,
    operation = 'DELETE' as is_deleted,
    changed_at as valid_from,
    lead(changed_at) over ({{ in_order }}) as valid_to,
    lead(event_id) over ({{ in_order }}) is null as is_latest,
    event_id,
    data,
    event_date
from {{ ref('stg_firestore__changes') }}
