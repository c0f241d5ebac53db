{{ config(materialized='view') }}

-- A provider's outage: from the first call that it failed, to the first one after that it answered. Nobody asks between
-- two fetches, so an outage may last as long as nobody tried.
with runs as (
    select
        *,
        min(if(is_failing, null, first_called_at)) over (
            partition by provider
            order by first_called_at, first_place
            rows between 1 following and unbounded following
        ) as answered_at
    from {{ ref('int_rpc__runs') }}
)

select
    provider,
    min(first_called_at) as started_at,
    answered_at as ended_at,
    answered_at is null as is_open,
    {{ whole('sum(calls)') }} as failed_calls,
    max(last_called_at) as last_failed_at
from runs
where is_failing
group by provider, answered_at
