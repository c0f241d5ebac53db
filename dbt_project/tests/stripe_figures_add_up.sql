-- Rows: days and currencies whose parts don't add up to the net, or whose net and payouts miss the balance's change.
select
    daily.activity_date,
    daily.currency,
    daily.net,
    daily.gross - daily.refunds - daily.dispute_amount + daily.dispute_reversed - daily.fees + daily.other as parts,
    daily.balance_change,
    sum(movements.net) as moved
from {{ ref('stripe_daily') }} as daily
left join {{ ref('int_stripe__money_movements') }} as movements
    on
        daily.activity_date = movements.event_date
        and daily.currency = movements.currency
        and {{ stripe_counts('movements') }}
where
    {{ on_days('daily.activity_date', rebuild_days()) }}
    and {{ on_days('movements.event_date', rebuild_days()) }}
group by
    daily.activity_date,
    daily.currency,
    daily.net,
    daily.gross,
    daily.refunds,
    daily.dispute_amount,
    daily.dispute_reversed,
    daily.fees,
    daily.other,
    daily.balance_change
having
    daily.net
    <> daily.gross - daily.refunds - daily.dispute_amount + daily.dispute_reversed - daily.fees + daily.other
    or daily.balance_change <> coalesce(sum(movements.net), 0)
