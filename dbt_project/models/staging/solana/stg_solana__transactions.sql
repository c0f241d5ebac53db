-- A transaction is landed once per watched address and run that sees it; all copies are equal.
select
    signature,
    slot,
    block_time,
    success as is_success,
    error,
    fee_payer,
    fee_lamports,
    compute_units,
    version,
    encoding,
    log_truncated as is_log_truncated,
    programs,
    program_id,
    instruction,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'solana_transactions') }}
qualify row_number() over (
    partition by signature, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
