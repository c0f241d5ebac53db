{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'call_date', 'data_type': 'date'},
    cluster_by=['provider'],
) }}
{{ states_partitions(rpc_days()) }}

-- The calls to a provider, a day at a time, as runs of answered and of failed ones in the order in which they were
-- made. Days don't depend on one another, and a day has few runs; outages are made of them.
with calls as (
    select
        event_date as call_date,
        provider,
        call_id,
        called_at,
        outcome not in ('ok', 'null') as is_failing
    from {{ ref('stg_solana__rpc_calls') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rpc_days()) }}
        {% endif %}
),

turns as (
    select
        *,
        row_number() over (partition by call_date, provider order by called_at, call_id) as place,
        row_number() over (partition by call_date, provider, is_failing order by called_at, call_id) as own_place
    from calls
)

select
    call_date,
    provider,
    is_failing,
    min(called_at) as first_called_at,
    min(place) as first_place,
    max(called_at) as last_called_at,
    count(*) as calls
from turns
group by call_date, provider, is_failing, place - own_place
