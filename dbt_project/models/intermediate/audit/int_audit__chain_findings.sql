{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'finding_date', 'data_type': 'date'},
) }}
{{ states_partitions(finding_days()) }}
{%- set days = finding_days() %}
{%- set zero_hash = '0' * 64 %}

-- What is wrong with the audit log itself: numbers that are missing or used twice, hashes that don't follow from the
-- record before, hashes that don't fit the record. A finding belongs to the day of the record that shows it.
with records as (
    select *
    from {{ ref('stg_platform__audit_events') }}
    {% if is_incremental() %}
        where {{ on_days('event_date', days) }}
    {% endif %}
),

runs as (
    select
        *,
        max(last_seq) over (
            partition by stream
            order by first_seq, last_seq, event_date
            rows between unbounded preceding and 1 preceding
        ) as last_seq_before
    from {{ ref('int_audit__stream_runs') }}
),

-- Missing numbers between two runs, or before the first. A record that may still be on its way is not missing.
gaps as (
    select
        event_date as finding_date,
        'sequence_gap' as kind,
        stream,
        coalesce(last_seq_before, {{ audit_first_seq('stream') }} - 1) + 1 as from_seq,
        first_seq - 1 as to_seq,
        cast(null as string) as record_hash,
        first_recorded_at as recorded_at,
        'no record with these numbers has arrived' as detail
    from runs
    where
        first_seq > coalesce(last_seq_before, {{ audit_first_seq('stream') }} - 1) + 1
        and first_recorded_at < {{ settled_until() }}
),

-- The same number in two runs: used again on another day.
reused as (
    select
        event_date as finding_date,
        'repeated_sequence' as kind,
        stream,
        first_seq as from_seq,
        least(last_seq, last_seq_before) as to_seq,
        cast(null as string) as record_hash,
        first_recorded_at as recorded_at,
        'numbers of an earlier day are used again' as detail
    from runs
    where first_seq <= last_seq_before
),

repeats as (
    select
        event_date as finding_date,
        'repeated_sequence' as kind,
        stream,
        seq as from_seq,
        seq as to_seq,
        min(record_hash) as record_hash,
        min(recorded_at) as recorded_at,
        'different records carry this number' as detail
    from records
    group by event_date, stream, seq
    having count(distinct record_hash) > 1
),

-- Links inside a day, record by record.
inner_links as (
    select
        records.event_date as finding_date,
        'broken_link' as kind,
        records.stream,
        records.seq as from_seq,
        records.seq as to_seq,
        records.record_hash,
        min(records.recorded_at) as recorded_at,
        'the previous hash is not that of the record before' as detail
    from records
    inner join records as before
        on
            records.event_date = before.event_date
            and records.stream = before.stream
            and records.seq = before.seq + 1
    group by records.event_date, records.stream, records.seq, records.record_hash
    having countif(before.record_hash = records.prev_hash) = 0
),

-- Links between runs that follow each other on different days, and the stream's very first record.
outer_links as (
    select
        runs.event_date as finding_date,
        'broken_link' as kind,
        runs.stream,
        runs.first_seq as from_seq,
        runs.first_seq as to_seq,
        cast(null as string) as record_hash,
        min(runs.first_recorded_at) as recorded_at,
        'the previous hash is not that of the record before' as detail
    from runs
    inner join runs as before
        on runs.stream = before.stream and runs.first_seq = before.last_seq + 1
    group by runs.event_date, runs.stream, runs.first_seq
    having countif(before.last_hash = runs.first_prev_hash) = 0

    union all

    select
        event_date as finding_date,
        'broken_link' as kind,
        stream,
        first_seq as from_seq,
        first_seq as to_seq,
        cast(null as string) as record_hash,
        first_recorded_at as recorded_at,
        'the first record must follow a hash of zeros' as detail
    from runs
    where first_seq = 1 and first_prev_hash <> '{{ zero_hash }}'
),

mismatches as (
    select
        event_date as finding_date,
        'hash_mismatch' as kind,
        stream,
        seq as from_seq,
        seq as to_seq,
        record_hash,
        recorded_at,
        'the stated hash is not the hash of the record' as detail
    from records
    where record_hash <> computed_hash
),

findings as (
    select * from gaps
    union all
    select * from reused
    union all
    select * from repeats
    union all
    select * from inner_links
    union all
    select * from outer_links
    union all
    select * from mismatches
)

select *
from findings
{% if is_incremental() %}
    where {{ on_days('finding_date', days) }}
{% endif %}
