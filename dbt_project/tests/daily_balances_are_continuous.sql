{%- set days = balance_days() -%}
{%- set judged = days_between(days[0], shift_day(days[-1], 1)) -%}
{%- set with_day_before = days_between(shift_day(days[0], -1), judged[-1]) %}
-- Rows: vaults whose day doesn't open with the close of the day before. The day after the last one that was rebuilt is
-- looked at too, for it may have been built earlier.
with balances as (
    select
        balance_date,
        vault,
        mint,
        opening_outstanding,
        outstanding
    from {{ ref('escrow_balances_daily') }}
    where {{ on_days('balance_date', with_day_before) }}
)

select
    today.balance_date,
    today.vault,
    today.opening_outstanding,
    yesterday.outstanding as closed_with
from balances as today
left join balances as yesterday
    on
        today.vault = yesterday.vault
        and today.mint = yesterday.mint
        and yesterday.balance_date = date_sub(today.balance_date, interval 1 day)
where
    {{ on_days('today.balance_date', judged) }}
    and today.opening_outstanding <> coalesce(yesterday.outstanding, 0)
