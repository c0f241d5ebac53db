{{ config(severity='warn', tags=['only_warns']) }}
-- Rows: booked entries whose amount, kind, mint or slot can't be read, so that the reconciliation would miss them.
select
    entry_id,
    kind,
    changed_at
from {{ ref('int_escrow__offchain_entries') }}
where
    {{ on_days('date(changed_at)', rebuild_days()) }}
    and not is_deleted
    and (vault_effect is null or mint is null or slot is null)
