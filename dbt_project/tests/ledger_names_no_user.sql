-- Rows: postings of the published ledger that carry a user's pseudonym.
select
    ledger.posting_id,
    ledger.account_id
from {{ ref('escrow_ledger') }} as ledger
inner join {{ ref('int_escrow__postings') }} as postings
    on ledger.posting_id = postings.posting_id
where
    {{ on_days('ledger.block_date', rebuild_days()) }}
    and {{ on_days('postings.block_date', rebuild_days()) }}
    and postings.holder in (ledger.account_id, ledger.escrow_id)
