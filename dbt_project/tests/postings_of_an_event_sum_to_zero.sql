-- Rows: events whose postings are not two, or don't sum to zero.
select
    canonical_key,
    mint,
    count(*) as postings,
    sum(amount) as imbalance
from {{ ref('int_escrow__postings') }}
where {{ on_days('block_date', rebuild_days()) }}
group by canonical_key, mint
having count(*) <> 2 or sum(amount) <> 0
