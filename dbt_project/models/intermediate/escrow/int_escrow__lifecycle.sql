{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='step_key',
    cluster_by=['escrow_id'],
) }}
{%- set days = lifecycle_days(this, 'escrow_id', touched_escrows(), 'source_days') -%}

-- The steps of every escrow's life. An escrow that the run touches is made anew from all its events: a late one may be
-- an earlier step, or the first to name the mint. Of disputes the last ruling holds, of all else the first time counts.
with events as (
    select
        *,
        {{ escrow_step() }} as step
    from {{ ref('stg_solana__canonical_events') }}
    where
        status = 'counted' and escrow_id is not null and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
            and escrow_id in ({{ touched_escrows() }})
        {% endif %}
),

escrows as (
    select
        escrow_id,
        max(mint) as mint,
        max(decimals) as decimals,
        {{ day_list('event_date') }} as source_days
    from events
    group by escrow_id
),

-- An escrow that holds several mints is funded once in each.
steps as (
    select
        *,
        if(step = 'funded', concat(escrow_id, ':funded:', mint), concat(escrow_id, ':', step)) as step_key
    from events
    where step is not null
),

counted as (
    select *
    from steps
    qualify row_number() over (
        partition by step_key order by if(step = 'resolved', -slot, slot), canonical_key
    ) = 1
)

select
    counted.step_key,
    counted.escrow_id,
    counted.step,
    coalesce(counted.mint, escrows.mint, 'unknown') as mint,
    if(counted.mint is null, escrows.decimals, counted.decimals) as decimals,
    counted.block_time as step_at,
    counted.slot as step_slot,
    counted.event_date as step_date,
    if(counted.step = 'resolved', counted.outcome, null) as outcome,
    if(
        counted.step = 'resolved',
        if(starts_with(counted.arbiter, 'wallet_'), 'unlisted', counted.arbiter),
        null
    ) as arbiter,
    escrows.source_days
from counted
inner join escrows on counted.escrow_id = escrows.escrow_id
