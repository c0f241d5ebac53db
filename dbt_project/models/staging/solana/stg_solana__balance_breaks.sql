-- A break is found again by every proof until it is repaired; a landed object may repeat.
select
    break_id,
    proof_id,
    account,
    account_kind,
    kind,
    mint,
    decimals,
    after_signature,
    after_slot,
    before_signature,
    before_slot,
    expected_amount,
    found_amount,
    amount,
    found_at,
    attempt_id,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_balance_breaks') }}
qualify row_number() over (
    partition by break_id, proof_id, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
