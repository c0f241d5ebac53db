{{ config(materialized='table') }}

-- Whether each match paid its pot exactly once, to its winners, less the fee. What is left of the pot after prizes, fee
-- and refunds is the difference: above zero while it is still to be paid, below when more came out than went in.
select
    settlements.match_id,
    settlements.mint,
    {{ mint_symbol('settlements.mint') }} as symbol,
    settlements.decimals,
    settlements.pot,
    settlements.prizes,
    settlements.fee,
    settlements.refunds,
    settlements.balance as difference,
    settlements.repeated_amount,
    settlements.wrong_amount,
    settlements.prize_count,
    case
        when settlements.wrong_amount > 0 then 'paid_wrong'
        when settlements.repeated_amount > 0 then 'paid_twice'
        when settlements.balance < 0 then 'overpaid'
        when
            settlements.balance > 0
            and matches.status in ('completed', 'cancelled')
            and {{ payout_due('matches.ended_at') }} <= {{ known_until() }}
            then 'unpaid'
        when settlements.balance > 0 then 'open'
        when settlements.prizes > 0 then 'settled'
        when settlements.refunds > 0 then 'refunded'
        else 'open'
    end as state,
    settlements.odd_signature,
    {{ payout_due('matches.ended_at') }} as due_at,
    settlements.last_slot as as_of_slot,
    settlements.last_block_time as as_of_time
from {{ ref('int_matches__settlements') }} as settlements
left join {{ ref('int_matches__lifecycle') }} as matches on settlements.match_id = matches.match_id
