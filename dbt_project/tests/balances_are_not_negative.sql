{{ config(severity='warn', tags=['only_warns']) }}
-- Rows: accounts that gave out more than they ever had.
select
    balance_date,
    vault,
    account_class,
    escrow_id,
    closing_balance
from {{ ref('int_escrow__balances_daily') }}
where {{ on_days('balance_date', balance_days()) }} and closing_balance < 0
