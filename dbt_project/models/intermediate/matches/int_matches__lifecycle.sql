{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='match_id',
    cluster_by=['match_id'],
) }}

-- Every match in its newest state. A deleted document leaves the match's last state: deleting a document doesn't undo
-- a match that was played. The stored state takes part, so that an older change that arrives late doesn't win; changes
-- at one instant are in the order of int_firestore__history.
with changes as (
    select
        document_id as match_id,
        {{ document_text('matches', 'kind') }} as kind,
        {{ document_text('matches', 'status') }} as status,
        {{ document_text('matches', 'mint') }} as mint,
        {{ numeric_from_text(document_text('matches', 'entry_amount')) }} as entry_amount,
        {{ document_time('matches', 'created_at') }} as created_at,
        {{ document_time('matches', 'ended_at') }} as ended_at,
        changed_at,
        event_id,
        {{ change_rank() }} as change_rank
    from {{ ref('stg_firestore__changes') }}
    where
        {{ is_document('matches') }}
        and operation <> 'DELETE'
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
),

newest as (
    select *
    from changes
    qualify row_number() over (partition by match_id order by changed_at desc, change_rank desc) = 1
)

select
    newest.match_id,
    newest.kind,
    newest.status,
    newest.mint,
    newest.entry_amount,
    newest.created_at,
    newest.ended_at,
    date(newest.created_at) as created_date,
    date(newest.ended_at) as ended_date,
    newest.changed_at,
    newest.event_id,
    newest.change_rank
from newest
{% if is_incremental() %}
    left join {{ this }} as held on newest.match_id = held.match_id
    where
        held.match_id is null
        or newest.changed_at > held.changed_at
        or (newest.changed_at = held.changed_at and newest.change_rank >= held.change_rank)
{% endif %}
