-- Rows: days on which a vault's balance didn't change by exactly what the ledger posted in it.
with posted as (
    select
        block_date as balance_date,
        vault,
        mint,
        sum(amount) as amount
    from {{ ref('escrow_ledger') }}
    where in_vault and {{ on_days('block_date', balance_days()) }}
    group by block_date, vault, mint
),

balances as (
    select
        balance_date,
        vault,
        mint,
        outstanding,
        outstanding - opening_outstanding as change,
        escrow_balance + holder_balance as parts
    from {{ ref('escrow_balances_daily') }}
    where {{ on_days('balance_date', balance_days()) }}
)

select
    coalesce(balances.balance_date, posted.balance_date) as balance_date,
    coalesce(balances.vault, posted.vault) as vault,
    balances.change,
    posted.amount as posted,
    balances.outstanding,
    balances.parts
from balances
full outer join posted
    on
        balances.balance_date = posted.balance_date
        and balances.vault = posted.vault
        and balances.mint = posted.mint
where
    balances.balance_date is null
    or balances.change <> coalesce(posted.amount, 0)
    or balances.outstanding <> balances.parts
