{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='request_id',
    cluster_by=['request_id'],
) }}
{%- set days = lifecycle_days(this, 'request_id', touched_requests(), 'source_days') -%}

-- Every exchange request in its newest state. A deleted document leaves the last state: what was paid stays paid. A
-- request that the run touches is made anew from all its changes, so an older change that arrives late doesn't win.
with changes as (
    select
        document_id as request_id,
        {{ document_text('exchanges', 'user') }} as requested_by,
        {{ document_text('exchanges', 'mint') }} as mint,
        {{ numeric_from_text(document_text('exchanges', 'units')) }} as units,
        {{ numeric_from_text(document_text('exchanges', 'tokens')) }} as tokens,
        {{ document_text('exchanges', 'status') }} as status,
        {{ document_text('exchanges', 'reason') }} as reason,
        {{ document_time('exchanges', 'created_at') }} as created_at,
        {{ document_time('exchanges', 'ended_at') }} as ended_at,
        changed_at,
        {{ change_rank() }} as change_rank,
        event_date
    from {{ ref('stg_firestore__changes') }}
    where
        {{ is_document('exchanges') }}
        and operation <> 'DELETE'
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
            and document_id in ({{ touched_requests() }})
        {% endif %}
),

-- Every day that any of its changes puts it on: figures of these days may hold it.
stated as (
    select
        request_id,
        date(created_at) as figure_date,
        event_date
    from changes

    union all

    select
        request_id,
        date(ended_at) as figure_date,
        event_date
    from changes
),

days as (
    select
        request_id,
        {{ day_list('figure_date') }} as figure_days,
        {{ day_list('event_date') }} as source_days
    from stated
    group by request_id
),

newest as (
    select *
    from changes
    qualify row_number() over (partition by request_id order by changed_at desc, change_rank desc) = 1
)

select
    newest.request_id,
    newest.requested_by,
    coalesce(newest.mint, 'unknown') as mint,
    newest.units,
    newest.tokens,
    newest.status,
    newest.reason,
    newest.created_at,
    newest.ended_at,
    date(newest.created_at) as created_date,
    date(newest.ended_at) as ended_date,
    newest.changed_at,
    days.figure_days,
    days.source_days
from newest
inner join days on newest.request_id = days.request_id
