-- Rows: counted money events that can't be posted, or have no day and so no partition.
select
    canonical_key,
    signature,
    canonical_event
from {{ ref('stg_solana__canonical_events') }}
where
    ({{ on_days('event_date', rebuild_days()) }} or event_date is null)
    and status = 'counted'
    and canonical_event in {{ text_list(money_events()) }}
    and (
        event_date is null
        or block_time is null
        or slot is null
        or vault is null
        or mint is null
        or from_class is null
        or to_class is null
        or coalesce(amount, 0) <= 0
    )
