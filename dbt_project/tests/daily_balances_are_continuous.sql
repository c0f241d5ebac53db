{%- set days = balance_days() -%}
{%- set with_day_before = days_between(shift_day(days[0], -1), days[-1]) %}
-- Rows: vaults whose day doesn't open with the close of the day before.
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
    {{ on_days('today.balance_date', days) }}
    and today.opening_outstanding <> coalesce(yesterday.outstanding, 0)
