{{ config(materialized='table') }}

-- Which slots of which address are held completely: the union of all intervals that runs have closed. Intervals that
-- overlap or touch are one; what lies between two is a hole. The table behind it grows by a row an address and run, so
-- it is read whole.
with listed as (
    select
        *,
        max(to_slot) over (
            partition by address
            order by from_slot, to_slot
            rows between unbounded preceding and 1 preceding
        ) as reached_slot
    from {{ ref('stg_solana__coverage') }}
),

islands as (
    select
        *,
        sum(if(reached_slot is null or from_slot > reached_slot + 1, 1, 0)) over (
            partition by address
            order by from_slot, to_slot
            rows between unbounded preceding and current row
        ) as island
    from listed
),

intervals as (
    select
        address,
        min(from_slot) as from_slot,
        max(to_slot) as to_slot,
        min(from_time) as from_time,
        max(to_time) as to_time,
        count(*) as listings,
        max(covered_at) as covered_at
    from islands
    group by address, island
)

select
    address,
    from_slot,
    to_slot,
    from_time,
    to_time,
    from_slot = 0 as reaches_first,
    from_slot - 1 - lag(to_slot) over (partition by address order by from_slot) as gap_before_slots,
    lag(to_time) over (partition by address order by from_slot) as gap_from_time,
    listings,
    covered_at
from intervals
