{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'finding_date', 'data_type': 'date'},
    cluster_by=['stream', 'kind'],
) }}
{{ states_partitions(finding_days()) }}

-- Everything that is wrong with the audit log, a row a finding. A finding whose cause has gone (the missing record
-- arrived) goes with the next run that covers its day.
with findings as (
    select
        finding_date,
        kind,
        stream,
        from_seq,
        to_seq,
        record_hash,
        cast(null as string) as signature,
        cast(null as string) as action,
        cast(null as string) as match_id,
        cast(null as string) as mint,
        cast(null as numeric) as amount,
        if(kind = 'sequence_gap', to_seq - from_seq + 1, 1) as occurrences,
        recorded_at as happened_at,
        detail
    from {{ ref('int_audit__chain_findings') }}
    {% if is_incremental() %}
        where {{ on_days('finding_date', finding_days()) }}
    {% endif %}

    union all

    select
        finding_date,
        kind,
        stream,
        from_seq,
        to_seq,
        cast(null as string) as record_hash,
        cast(null as string) as signature,
        cast(null as string) as action,
        cast(null as string) as match_id,
        cast(null as string) as mint,
        cast(null as numeric) as amount,
        occurrences,
        happened_at,
        detail
    from {{ ref('int_audit__time_findings') }}
    {% if is_incremental() %}
        where {{ on_days('finding_date', finding_days()) }}
    {% endif %}

    union all

    select
        finding_date,
        kind,
        stream,
        from_seq,
        to_seq,
        cast(null as string) as record_hash,
        signature,
        action,
        match_id,
        mint,
        amount,
        occurrences,
        happened_at,
        detail
    from {{ ref('int_audit__event_findings') }}
    {% if is_incremental() %}
        where {{ on_days('finding_date', finding_days()) }}
    {% endif %}
)

select
    to_hex(sha256(concat(
        kind, '|', coalesce(stream, ''), '|', coalesce(cast(from_seq as string), ''), '|', coalesce(record_hash, ''),
        '|', coalesce(signature, ''), '|', coalesce(action, ''), '|', coalesce(match_id, ''), '|', coalesce(mint, ''),
        '|', cast(finding_date as string), '|', coalesce(cast(amount as string), '')
    ))) as finding_id,
    finding_date,
    kind,
    stream,
    from_seq,
    to_seq,
    case
        when kind <> 'sequence_gap' then null
        when from_seq = to_seq then cast(from_seq as string)
        else concat(cast(from_seq as string), '-', cast(to_seq as string))
    end as missing,
    signature,
    action,
    match_id,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    amount,
    {{ whole('occurrences') }} as occurrences,
    happened_at,
    detail
from findings
