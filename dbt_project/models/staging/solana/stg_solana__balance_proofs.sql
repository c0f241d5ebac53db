-- A proof is written once; a landed object may repeat.
select
    proof_id,
    round,
    account,
    account_kind,
    kind,
    mint,
    decimals,
    from_slot,
    to_slot,
    transactions,
    opening_amount,
    opening_source,
    closing_amount,
    reported_amount,
    reported_slot,
    result,
    breaks,
    proved_at,
    attempt_id,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_balance_proofs') }}
qualify row_number() over (
    partition by proof_id, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
