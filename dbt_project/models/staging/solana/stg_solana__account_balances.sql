-- Two runs may read the same slot.
select
    address,
    kind,
    role,
    mint,
    decimals,
    amount,
    slot,
    block_time,
    window_start,
    window_end,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_account_balances') }}
qualify row_number() over (
    partition by address, kind, slot, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
