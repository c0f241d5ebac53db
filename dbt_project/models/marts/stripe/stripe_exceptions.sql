{{ config(materialized='view') }}

-- Every item that the platform, Stripe and the balance didn't agree on, and where it stands: matched items are in
-- stripe_reconciliation only.
{{ finding_states('stripe') }}

select
    finding_id,
    place as stripe_id,
    kind as reason,
    unit as currency,
    decimals,
    amount,
    opened_at as first_seen_at,
    first_found_at,
    range_from as first_seq,
    range_to as last_seq,
    state,
    {{ finding_reason() }} as closing_reason,
    if(state = 'open', null, note) as note,
    {{ finding_by() }} as decided_by,
    {{ finding_closed_at() }} as closed_at,
    {{ finding_age_hours() }} as age_hours
from states
