{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'finding_date', 'data_type': 'date'},
) }}
{{ states_partitions(finding_days()) }}
{%- set days = with_neighbours(finding_days()) %}

-- On-chain money events without an audit record, and audit records of money without an event. They are matched on what
-- both sides state, with multiplicity: two equal events need two records. A platform without any audit log, or without
-- any decoded money, has nothing to compare and no findings. A day more on either side lets a pair meet over midnight.
with sides as (
    select
        (select count(*) from {{ ref('int_audit__stream_runs') }}) > 0 as has_records,
        (
            select count(*) from {{ ref('int_escrow__balances_daily') }}
            where balance_date = date '{{ balance_days()[-1] }}'
        ) > 0 as has_events
),

events as (
    select
        signature,
        canonical_event as action,
        mint,
        amount,
        coalesce(escrow_id, '') as match_id,
        count(*) as events,
        min(block_date) as event_date,
        min(block_time) as event_at
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to'
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
    group by signature, canonical_event, mint, amount, coalesce(escrow_id, '')
),

records as (
    select
        coalesce(signature, '') as signature,
        action,
        coalesce(mint, '') as mint,
        amount,
        coalesce(match_id, '') as match_id,
        min(stream) as stream,
        min(seq) as first_seq,
        max(seq) as last_seq,
        count(*) as records,
        min(event_date) as record_date,
        min(recorded_at) as recorded_at
    from {{ ref('stg_platform__audit_events') }}
    where
        action in {{ text_list(money_events()) }}
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
    group by coalesce(signature, ''), action, coalesce(mint, ''), amount, coalesce(match_id, '')
),

paired as (
    select
        coalesce(events.signature, records.signature) as signature,
        coalesce(events.action, records.action) as action,
        coalesce(events.mint, records.mint) as mint,
        coalesce(events.amount, records.amount) as amount,
        coalesce(events.match_id, records.match_id) as match_id,
        coalesce(events.events, 0) as events,
        coalesce(records.records, 0) as records,
        events.event_date,
        events.event_at,
        records.record_date,
        records.recorded_at,
        records.stream,
        records.first_seq,
        records.last_seq
    from events
    full outer join records
        on
            events.signature = records.signature
            and events.action = records.action
            and events.mint = records.mint
            and events.amount = records.amount
            and events.match_id = records.match_id
),

findings as (
    select
        if(paired.events > paired.records, paired.event_date, paired.record_date) as finding_date,
        if(
            paired.events > paired.records, 'money_event_without_audit_record', 'audit_record_without_money_event'
        ) as kind,
        paired.stream,
        paired.first_seq as from_seq,
        paired.last_seq as to_seq,
        paired.signature,
        paired.action,
        nullif(paired.match_id, '') as match_id,
        nullif(paired.mint, '') as mint,
        paired.amount,
        abs(paired.events - paired.records) as occurrences,
        if(paired.events > paired.records, paired.event_at, paired.recorded_at) as happened_at,
        concat(
            cast(paired.events as string), ' on chain, ', cast(paired.records as string), ' in the audit log'
        ) as detail
    from paired
    cross join sides
    where
        sides.has_records
        and sides.has_events
        and (
            (paired.events > paired.records and paired.event_at < {{ settled_until() }})
            or (paired.records > paired.events and paired.recorded_at < {{ settled_until() }})
        )
)

select *
from findings
{% if is_incremental() %}
    where {{ on_days('finding_date', finding_days()) }}
{% endif %}
