{{ config(materialized='view') }}

-- Every drift between chain, decoded events and the off-chain ledger that was ever found: its amount with sign, the
-- transaction at which it first appeared, and where it stands.
{{ finding_states('escrow') }}

select
    finding_id,
    kind,
    place as vault,
    match_id,
    unit as mint,
    {{ mint_symbol('unit') }} as symbol,
    decimals,
    amount,
    signature as first_signature,
    range_from as first_slot,
    range_to as last_slot,
    opened_at,
    first_found_at,
    state,
    {{ finding_reason() }} as reason,
    if(state = 'open', null, note) as note,
    {{ finding_by() }} as decided_by,
    {{ finding_closed_at() }} as closed_at,
    {{ finding_age_hours() }} as age_hours
from states
