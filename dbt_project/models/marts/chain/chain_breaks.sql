{{ config(materialized='table') }}

-- Missing transactions as the balance proofs find them. A break is repaired by a proof later than the last one that
-- lists it, which compares the same balances again and no longer lists it. Proofs are few (one per account and run), so
-- both tables are read whole.
with listings as (
    select
        breaks.*,
        proofs.from_slot as proof_from_slot,
        proofs.to_slot as proof_to_slot,
        coalesce(proofs.proved_at, breaks.found_at) as proved_at,
        coalesce(proofs.round, 0) as round
    from {{ ref('stg_solana__balance_breaks') }} as breaks
    left join {{ ref('stg_solana__balance_proofs') }} as proofs
        on breaks.proof_id = proofs.proof_id
),

found as (
    select
        break_id,
        min(found_at) as found_at,
        count(*) as proofs_listing
    from listings
    group by break_id
),

last_listings as (
    select *
    from listings
    where true  -- BigQuery wants a WHERE beside QUALIFY
    qualify row_number() over (partition by break_id order by proved_at desc, round desc, proof_id desc) = 1
),

-- A later proof compares the same balances when it begins at the break's first slot or before it, or links to earlier
-- proofs at least where the listing one did; a proof that opens with its own first transaction links to nothing.
-- Upwards likewise. Where the chain's reported balance contradicts, only a reported balance can settle it: one that
-- such a proof reaches, or one that a proof further up the same chain of proofs ends in.
compared as (
    select
        last_listings.break_id,
        proofs.proved_at,
        (
            proofs.from_slot <= last_listings.after_slot
            or (
                proofs.opening_source <> 'first_transaction'
                and proofs.from_slot
                <= greatest(coalesce(last_listings.after_slot + 1, 0), coalesce(last_listings.proof_from_slot, 0))
            )
        )
        and proofs.to_slot
        >= least(last_listings.before_slot, coalesce(last_listings.proof_to_slot, last_listings.before_slot)) as covers,
        last_listings.before_signature is null
        and last_listings.before_slot
        <= coalesce(last_listings.proof_to_slot, last_listings.before_slot) as is_reported_balance,
        coalesce(proofs.reported_slot >= last_listings.before_slot, false) as reaches_report,
        proofs.result = 'proved' and proofs.opening_source = 'proof' as continues_a_proof
    from last_listings
    inner join {{ ref('stg_solana__balance_proofs') }} as proofs
        on last_listings.account = proofs.account and last_listings.kind = proofs.kind
    where
        proofs.proved_at > last_listings.proved_at
        or (proofs.attempt_id = last_listings.attempt_id and proofs.round > last_listings.round)
),

repairs as (
    select
        break_id,
        min(proved_at) as repaired_at
    from compared
    where if(is_reported_balance, reaches_report and (covers or continues_a_proof), covers)
    group by break_id
)

select
    last_listings.break_id,
    last_listings.account,
    last_listings.account_kind,
    last_listings.kind,
    last_listings.mint,
    {{ mint_symbol('last_listings.mint') }} as symbol,
    last_listings.decimals,
    last_listings.after_signature,
    last_listings.after_slot,
    last_listings.before_signature,
    last_listings.before_slot,
    last_listings.expected_amount,
    last_listings.found_amount,
    last_listings.amount,
    found.found_at,
    found.proofs_listing,
    repairs.repaired_at,
    if(repairs.break_id is null, 'open', 'repaired') as state,
    last_listings.window_start,
    last_listings.window_end
from last_listings
inner join found on last_listings.break_id = found.break_id
left join repairs on last_listings.break_id = repairs.break_id
