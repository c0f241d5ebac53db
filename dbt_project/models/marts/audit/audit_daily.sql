{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'audit_date', 'data_type': 'date'},
    partitions=date_literals(finding_days()),
    cluster_by=['stream'],
) }}

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
        where {{ on_days('event_date', finding_days()) }}
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
        where {{ on_days('finding_date', finding_days()) }}
    {% endif %}
    group by audit_date, stream
)

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
    cast(null as int64) as sealed_events,
    cast(null as date) as oldest_record_date,
    cast(null as int64) as legal_holds,
    greatest(
        coalesce(records.as_of_time, findings.as_of_time), coalesce(findings.as_of_time, records.as_of_time)
    ) as as_of_time
from records
full outer join findings
    on records.audit_date = findings.audit_date and records.stream = findings.stream
