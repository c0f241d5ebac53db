{{ config(materialized='view') }}

-- Everything that doesn't agree or is missing, as it stands now, in one form: what audit.findings keeps the history of.
with drifts as (
    select
        'escrow' as area,
        kind,
        vault as place,
        match_id,
        mint as unit,
        decimals,
        amount,
        first_signature as signature,
        first_slot as range_from,
        last_slot as range_to,
        cast(null as timestamp) as ended_at,
        opened_at,
        steps as occurrences,
        cast(null as string) as cause,
        concat(
            case kind
                when 'chain_against_events' then 'vault balance minus decoded events'
                when 'events_against_books' then 'decoded events minus the off-chain ledger'
                else 'the match by decoded events minus by the off-chain ledger'
            end,
            ' since slot ', cast(first_slot as string)
        ) as detail,
        concat(vault, '|', coalesce(match_id, ''), '|', mint, '|', cast(first_slot as string)) as identity
    from {{ ref('int_escrow__drifts') }}
),

items as (
    select
        'stripe' as area,
        reason as kind,
        stripe_id as place,
        cast(null as string) as match_id,
        currency as unit,
        decimals,
        difference as amount,
        cast(null as string) as signature,
        first_seq as range_from,
        last_seq as range_to,
        cast(null as timestamp) as ended_at,
        first_seen_at as opened_at,
        1 as occurrences,
        cast(null as string) as cause,
        concat(object_type, ': ', reason) as detail,
        concat(stripe_id, '|', account) as identity
    from {{ ref('stripe_reconciliation') }}
    where is_exception
),

settlements as (
    select
        'settlement' as area,
        state as kind,
        cast(null as string) as place,
        match_id,
        mint as unit,
        decimals,
        case state
            when 'paid_twice' then repeated_amount
            when 'paid_wrong' then wrong_amount
            else difference
        end as amount,
        odd_signature as signature,
        cast(null as int64) as range_from,
        as_of_slot as range_to,
        cast(null as timestamp) as ended_at,
        if(state = 'unpaid', due_at, as_of_time) as opened_at,
        1 as occurrences,
        cast(null as string) as cause,
        concat('settlement: ', state) as detail,
        concat(match_id, '|', mint) as identity
    from {{ ref('settlement_reconciliation') }}
    where state in ('unpaid', 'overpaid', 'paid_twice', 'paid_wrong')
),

-- Records that lie in a time of which no Logpush object came are missing with it.
lost as (
    select distinct gaps.finding_id
    from {{ ref('audit_gaps') }} as gaps
    inner join {{ ref('logpush_gaps') }} as minutes
        on
            gaps.finding_date = minutes.gap_date
            and gaps.happened_at >= minutes.gap_from
            and timestamp_sub(gaps.happened_at, interval {{ var('audit_allowed_lag_minutes') }} minute) < minutes.gap_to
    where minutes.dataset = 'workers_trace_events' and gaps.kind in ('sequence_gap', 'missing_heartbeat')
),

records as (
    select
        'gap' as area,
        gaps.kind,
        concat('platform/', gaps.stream) as place,
        gaps.match_id,
        gaps.mint as unit,
        {{ mint_decimals('gaps.mint') }} as decimals,
        gaps.amount,
        gaps.signature,
        gaps.from_seq as range_from,
        gaps.to_seq as range_to,
        cast(null as timestamp) as ended_at,
        gaps.happened_at as opened_at,
        gaps.occurrences,
        case
            when lost.finding_id is not null then 'object_missing'
            when truncated.signature is not null then 'transaction_truncated'
        end as cause,
        gaps.detail,
        gaps.finding_id as identity
    from {{ ref('audit_gaps') }} as gaps
    left join lost on gaps.finding_id = lost.finding_id
    left join {{ ref('int_audit__truncated_transactions') }} as truncated on gaps.signature = truncated.signature
),

transactions as (
    select
        'gap' as area,
        'truncated_transaction' as kind,
        concat('chain/', coalesce(program_id, 'unknown')) as place,
        cast(null as string) as match_id,
        cast(null as string) as unit,
        cast(null as int64) as decimals,
        cast(null as numeric) as amount,
        signature,
        slot as range_from,
        slot as range_to,
        cast(null as timestamp) as ended_at,
        block_time as opened_at,
        1 as occurrences,
        'log_truncated' as cause,
        'the log was cut: events may be missing' as detail,
        signature as identity
    from {{ ref('int_audit__truncated_transactions') }}
),

minutes as (
    select
        'gap' as area,
        'missing_minutes' as kind,
        concat('logpush/', dataset) as place,
        cast(null as string) as match_id,
        cast(null as string) as unit,
        cast(null as int64) as decimals,
        cast(null as numeric) as amount,
        cast(null as string) as signature,
        cast(null as int64) as range_from,
        cast(null as int64) as range_to,
        gap_to as ended_at,
        gap_from as opened_at,
        minutes as occurrences,
        if(events_seen + other_events_seen > 0, 'object_missing', 'source_silent') as cause,
        'no Logpush object vouches for these minutes' as detail,
        concat(dataset, '|', cast(unix_micros(gap_from) as string)) as identity
    from {{ ref('logpush_gaps') }}
),

findings as (
    select * from drifts
    union all
    select * from items
    union all
    select * from settlements
    union all
    select * from records
    union all
    select * from transactions
    union all
    select * from minutes
)

select
    to_hex(sha256(concat(area, '|', kind, '|', identity))) as finding_id,
    area,
    kind,
    place,
    match_id,
    unit,
    decimals,
    amount,
    signature,
    range_from,
    range_to,
    ended_at,
    opened_at,
    {{ whole('occurrences') }} as occurrences,
    cause,
    detail
from findings
