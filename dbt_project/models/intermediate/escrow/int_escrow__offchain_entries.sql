{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='entry_id',
    cluster_by=['vault', 'mint'],
) }}

-- The platform's own ledger, document by document, in its newest state. The newest change wins however late an older
-- one arrives, so the stored state takes part beside the run's new changes.
with changes as (
    select
        document_id as entry_id,
        {{ document_text('ledger', 'kind') }} as kind,
        {{ document_text('ledger', 'match_id') }} as match_id,
        {{ document_text('ledger', 'mint') }} as mint,
        {{ document_text('ledger', 'vault') }} as vault,
        {{ document_text('ledger', 'amount') }} as amount_text,
        {{ document_text('ledger', 'signature') }} as signature,
        {{ document_text('ledger', 'slot') }} as slot_text,
        {{ document_time('ledger', 'at') }} as entry_at,
        operation = 'DELETE' as is_deleted,
        changed_at,
        event_id,
        {{ change_rank() }} as change_rank
    from {{ ref('stg_firestore__changes') }}
    where
        {{ is_document('ledger') }}
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
),

newest as (
    select
        entry_id,
        kind,
        match_id,
        mint,
        vault,
        {{ numeric_from_text('amount_text') }} as amount,
        signature,
        safe_cast(slot_text as int64) as slot,
        entry_at,
        is_deleted,
        changed_at,
        event_id,
        change_rank
    from changes
    qualify row_number() over (partition by entry_id order by changed_at desc, change_rank desc) = 1
)

select
    newest.entry_id,
    newest.kind,
    newest.match_id,
    newest.mint,
    newest.vault,
    newest.amount,
    case
        when newest.kind = 'deposit' then newest.amount
        when newest.kind in ('withdrawal', 'fee_collected') then -newest.amount
        when newest.kind in ('entry', 'prize_distributed', 'refund') then numeric '0'
    end as vault_effect,
    newest.signature,
    newest.slot,
    newest.entry_at,
    newest.is_deleted,
    newest.changed_at,
    newest.event_id,
    newest.change_rank
from newest
{% if is_incremental() %}
    left join {{ this }} as held on newest.entry_id = held.entry_id
    where
        held.entry_id is null
        or newest.changed_at > held.changed_at
        or (newest.changed_at = held.changed_at and newest.change_rank >= held.change_rank)
{% endif %}
