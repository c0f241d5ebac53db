{{ config(materialized='view') }}

-- M9, first part: RPC providers per five minutes. Of each run window only the newest ingest attempt counts, so a window
-- that is fetched again replaces what was wrong with the first fetch. Read through a small table of five-minute sums.
with newest as (
    select
        window_start,
        window_end,
        attempt_id
    from {{ ref('int_rpc__calls_5min') }}
    group by window_start, window_end, attempt_id
    qualify row_number() over (
        partition by window_start, window_end
        order by max(last_called_at) desc, attempt_id desc
    ) = 1
)

select
    calls.window_start,
    calls.window_end,
    calls.provider,
    calls.bucket_start,
    calls.attempt_id,
    calls.calls,
    calls.failures,
    calls.failures as failure_rate_numerator,
    calls.calls as failure_rate_denominator,
    calls.ok_calls,
    calls.null_calls,
    calls.behind_calls,
    calls.rpc_error_calls,
    calls.http_error_calls,
    calls.timeout_calls,
    calls.connection_calls,
    calls.invalid_calls,
    calls.max_latency_ms,
    calls.last_called_at
from {{ ref('int_rpc__calls_5min') }} as calls
inner join newest
    on
        calls.window_start = newest.window_start
        and calls.window_end = newest.window_end
        and calls.attempt_id = newest.attempt_id
