{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'audit_date', 'data_type': 'date'},
    cluster_by=['stream'],
) }}
{%- set days = audit_days() %}
{{ states_partitions(days) }}

-- M23: the audit log per UTC day and stream. What is wrong counts on the day of the record or event that shows it
-- (audit_gaps has each finding); a money event without record belongs to no stream.
with records as (
    select
        event_date as audit_date,
        stream,
        {{ whole('sum(last_seq - first_seq + 1)') }} as events,
        min(first_seq) as first_seq,
        max(last_seq) as last_seq,
        max(last_recorded_at) as as_of_time
    from {{ ref('int_audit__stream_runs') }}
    {% if is_incremental() %}
        where {{ on_days('event_date', days) }}
    {% endif %}
    group by event_date, stream
),

findings as (
    select
        finding_date as audit_date,
        coalesce(stream, '(not recorded)') as stream,
        {{ count_where("kind = 'sequence_gap'") }} as sequence_gaps,
        {{ whole("sum(if(kind = 'sequence_gap', occurrences, 0))") }} as missing_records,
        {{ count_where("kind = 'repeated_sequence'") }} as repeated_sequences,
        {{ count_where("kind in ('broken_link', 'hash_mismatch')") }} as chain_breaks,
        {{ whole("sum(if(kind = 'money_event_without_audit_record', occurrences, 0))") }}
            as money_events_without_record,
        {{ whole("sum(if(kind = 'audit_record_without_money_event', occurrences, 0))") }}
            as records_without_money_event,
        max(happened_at) as as_of_time
    from {{ ref('audit_gaps') }}
    {% if is_incremental() %}
        where {{ on_days('finding_date', days) }}
    {% endif %}
    group by audit_date, stream
),

-- A record is sealed with its own day or, coming late, with a later one.
sealed as (
    select
        event_day as audit_date,
        substr(stream, 10) as stream,
        {{ whole('count(*)') }} as sealed_events
    from {{ source('audit', 'leaves') }}
    where
        starts_with(stream, 'platform/')
        {% if is_incremental() %}
            and seal_day >= date '{{ days[0] }}'
            and {{ on_days('event_day', days) }}
        {% endif %}
    group by event_day, substr(stream, 10)
),

kept as (
    select
        substr(stream, 10) as stream,
        min(event_day) as oldest_record_date
    from {{ source('audit', 'events') }}
    where starts_with(stream, 'platform/')
    group by substr(stream, 10)
),

-- One without a day covers all; one of a user's records covers every day.
holds as (
    select
        hold_id,
        min(first_day) as first_day,
        min(last_day) as last_day
    from {{ source('audit', 'holds') }}
    group by hold_id
    having countif(change = 'released') = 0
),

days as (
    select distinct audit_date
    from records
    union distinct
    select distinct audit_date
    from findings
),

held as (
    select
        days.audit_date,
        {{ count_where('true') }} as legal_holds
    from days
    inner join holds
        on
            days.audit_date >= coalesce(holds.first_day, days.audit_date)
            and days.audit_date <= coalesce(holds.last_day, days.audit_date)
    group by days.audit_date
),

daily as (
    select
        coalesce(records.audit_date, findings.audit_date) as audit_date,
        coalesce(records.stream, findings.stream) as stream,
        coalesce(records.events, 0) as events,
        records.first_seq,
        records.last_seq,
        coalesce(findings.sequence_gaps, 0) as sequence_gaps,
        coalesce(findings.missing_records, 0) as missing_records,
        coalesce(findings.repeated_sequences, 0) as repeated_sequences,
        coalesce(findings.chain_breaks, 0) as chain_breaks,
        coalesce(findings.money_events_without_record, 0) as money_events_without_record,
        coalesce(findings.records_without_money_event, 0) as records_without_money_event,
        greatest(
            coalesce(records.as_of_time, findings.as_of_time), coalesce(findings.as_of_time, records.as_of_time)
        ) as as_of_time
    from records
    full outer join findings
        on records.audit_date = findings.audit_date and records.stream = findings.stream
)

select
    daily.audit_date,
    daily.stream,
    daily.events,
    daily.first_seq,
    daily.last_seq,
    daily.sequence_gaps,
    daily.missing_records,
    daily.repeated_sequences,
    daily.chain_breaks,
    daily.money_events_without_record,
    daily.records_without_money_event,
    sealed.sealed_events,
    kept.oldest_record_date,
    coalesce(held.legal_holds, 0) as legal_holds,
    daily.as_of_time
from daily
left join sealed on daily.audit_date = sealed.audit_date and daily.stream = sealed.stream
left join kept on daily.stream = kept.stream
left join held on daily.audit_date = held.audit_date
