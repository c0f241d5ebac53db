{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'call_date', 'data_type': 'date'},
    cluster_by=['provider'],
) }}
{{ states_partitions(rpc_days()) }}

-- RPC calls of each ingest attempt, per provider and five minutes of the caller's clock. An answer without data (null)
-- is an answer; everything else that isn't ok is a failure of the provider.
with calls as (
    select
        *,
        timestamp_seconds(unix_seconds(called_at) - mod(unix_seconds(called_at), 300)) as bucket_start
    from {{ ref('stg_solana__rpc_calls') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rpc_days()) }}
        {% endif %}
)

select
    event_date as call_date,
    bucket_start,
    attempt_id,
    window_start,
    window_end,
    provider,
    count(*) as calls,
    {{ count_where("outcome not in ('ok', 'null')") }} as failures,
    {{ count_where("outcome = 'ok'") }} as ok_calls,
    {{ count_where("outcome = 'null'") }} as null_calls,
    {{ count_where("outcome = 'behind'") }} as behind_calls,
    {{ count_where("outcome = 'rpc_error'") }} as rpc_error_calls,
    {{ count_where("outcome = 'http_error'") }} as http_error_calls,
    {{ count_where("outcome = 'timeout'") }} as timeout_calls,
    {{ count_where("outcome = 'connection'") }} as connection_calls,
    {{ count_where("outcome = 'invalid'") }} as invalid_calls,
    max(latency_ms) as max_latency_ms,
    max(called_at) as last_called_at
from calls
group by event_date, bucket_start, attempt_id, window_start, window_end, provider
