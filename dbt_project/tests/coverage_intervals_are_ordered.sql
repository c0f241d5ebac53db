-- Rows: listed intervals that end before they begin, or lack an end, and merged ones that overlap or touch.
select
    address,
    from_slot,
    to_slot
from {{ ref('stg_solana__coverage') }}
where {{ on_days('event_date', rebuild_days()) }} and not coalesce(from_slot <= to_slot, false)

union all

select
    address,
    from_slot,
    to_slot
from {{ ref('chain_coverage') }}
where not (from_slot <= to_slot and coalesce(gap_before_slots, 1) > 0)
