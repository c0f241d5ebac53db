{{ config(materialized='view') }}

-- Every gap that was ever found, with when it opened and when it was found to have closed: audit_gaps shows only what
-- is wrong now.
{{ finding_states('gap') }}

select
    finding_id,
    kind,
    place as stream,
    range_from,
    range_to,
    opened_at,
    ended_at,
    occurrences,
    signature,
    match_id,
    unit,
    decimals,
    amount,
    cause,
    detail,
    first_found_at,
    state,
    {{ finding_reason() }} as reason,
    {{ finding_by() }} as decided_by,
    {{ finding_closed_at() }} as closed_at,
    {{ finding_age_hours() }} as age_hours
from states
