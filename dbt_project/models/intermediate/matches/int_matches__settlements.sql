{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='settlement_key',
    cluster_by=['match_id'],
) }}
{%- set days = lifecycle_days(this, 'match_id', touched_escrows(), 'source_days') -%}

-- What went into each match's escrow and out of it, per mint. A match that the run touches is made anew from all its
-- events. A prize that a holder gets again within seven days is paid twice; one that goes to somebody else than the
-- winner that the chain names, where it names one, is paid to the wrong one.
with moves as (
    select
        escrow_id as match_id,
        mint,
        decimals,
        canonical_event,
        canonical_key,
        holder,
        account_class,
        amount,
        slot,
        block_time,
        block_date,
        signature
    from {{ ref('int_escrow__postings') }}
    where
        escrow_id is not null
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
            and escrow_id in ({{ touched_escrows() }})
        {% endif %}
),

winners as (
    select distinct
        escrow_id as match_id,
        holder
    from {{ ref('stg_solana__canonical_events') }}
    where
        status = 'counted'
        and canonical_event = 'completed'
        and escrow_id is not null
        and holder is not null
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
            and escrow_id in ({{ touched_escrows() }})
        {% endif %}
),

named as (
    select
        match_id,
        count(*) as winners
    from winners
    group by match_id
),

prizes as (
    select
        moves.match_id,
        moves.mint,
        moves.amount,
        moves.signature,
        moves.slot,
        coalesce(date_diff(
            moves.block_date,
            lag(moves.block_date) over (
                partition by moves.match_id, moves.mint, moves.holder order by moves.slot, moves.canonical_key
            ),
            day
        ) <= 7, false) as is_repeat,
        named.match_id is not null and winners.match_id is null as is_wrong
    from moves
    left join winners on moves.match_id = winners.match_id and moves.holder = winners.holder
    left join named on moves.match_id = named.match_id
    where moves.canonical_event = 'prize_distributed' and moves.account_class <> 'escrow'
),

paid as (
    select
        match_id,
        mint,
        {{ sum_where('is_repeat', 'amount') }} as repeated_amount,
        {{ sum_where('is_wrong', 'amount') }} as wrong_amount,
        min(if(is_repeat or is_wrong, signature, null)) as odd_signature
    from prizes
    group by match_id, mint
),

sums as (
    select
        match_id,
        mint,
        max(decimals) as decimals,
        {{ sum_where("account_class = 'escrow' and amount > 0", 'amount') }} as pot,
        {{ sum_where("account_class = 'escrow' and canonical_event = 'prize_distributed'", '-amount') }} as prizes,
        {{ sum_where("account_class = 'escrow' and canonical_event = 'fee_collected'", '-amount') }} as fee,
        {{ sum_where("account_class = 'escrow' and canonical_event = 'refund'", '-amount') }} as refunds,
        {{ sum_where("account_class = 'escrow'", 'amount') }} as balance,
        {{ count_where("account_class = 'escrow' and canonical_event = 'prize_distributed'") }} as prize_count,
        max(slot) as last_slot,
        max(block_time) as last_block_time,
        {{ day_list('block_date') }} as source_days
    from moves
    group by match_id, mint
)

select
    concat(sums.match_id, '|', sums.mint) as settlement_key,
    sums.match_id,
    sums.mint,
    sums.decimals,
    sums.pot,
    sums.prizes,
    sums.fee,
    sums.refunds,
    sums.balance,
    sums.prize_count,
    coalesce(paid.repeated_amount, numeric '0') as repeated_amount,
    coalesce(paid.wrong_amount, numeric '0') as wrong_amount,
    paid.odd_signature,
    sums.last_slot,
    sums.last_block_time,
    sums.source_days
from sums
left join paid on sums.match_id = paid.match_id and sums.mint = paid.mint
