{{ config(materialized='table') }}

-- The balance proof of each watched account that reaches furthest, the newest of such: every transaction continues
-- where the one before ended, up to the balance that the chain reports. Proofs link to each other, so an account is
-- broken as long as any of them has a break that isn't repaired.
with newest as (
    select *
    from {{ ref('stg_solana__balance_proofs') }}
    where true  -- BigQuery wants a WHERE beside QUALIFY
    qualify row_number() over (
        partition by account, kind
        order by to_slot desc, proved_at desc, round desc, proof_id desc
    ) = 1
),

open_breaks as (
    select
        account,
        kind,
        count(*) as open_breaks
    from {{ ref('chain_breaks') }}
    where state = 'open'
    group by account, kind
),

-- What a proof closes with is the balance after its last transaction; the reported one is compared at its own slot.
contradictions as (
    select
        proof_id,
        sum(amount) as amount
    from {{ ref('stg_solana__balance_breaks') }}
    where before_signature is null
    group by proof_id
)

select
    newest.account,
    newest.account_kind,
    newest.kind,
    newest.mint,
    {{ mint_symbol('newest.mint') }} as symbol,
    newest.decimals,
    if(open_breaks.open_breaks > 0, 'broken', newest.result) as result,
    newest.from_slot,
    newest.to_slot,
    newest.transactions,
    newest.opening_amount,
    newest.opening_source,
    newest.closing_amount,
    newest.reported_amount,
    newest.reported_slot,
    if(newest.reported_amount is null, null, coalesce(contradictions.amount, numeric '0')) as difference,
    coalesce(open_breaks.open_breaks, 0) as open_breaks,
    newest.proved_at,
    newest.proof_id,
    newest.window_start,
    newest.window_end
from newest
left join open_breaks
    on newest.account = open_breaks.account and newest.kind = open_breaks.kind
left join contradictions
    on newest.proof_id = contradictions.proof_id
