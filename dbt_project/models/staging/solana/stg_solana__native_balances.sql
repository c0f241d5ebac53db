-- Landed as often as its transaction; all copies are equal.
select
    signature,
    slot,
    block_time,
    success as is_success,
    account,
    account_kind,
    pre_lamports,
    post_lamports,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_native_balances') }}
qualify row_number() over (
    partition by signature, account, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
