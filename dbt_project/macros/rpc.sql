{#-
M9 in buckets of so many seconds of the caller's clock: the body of rpc_providers_5min and int_rpc__providers_hourly. A
provider's lag is how far its answer to getSlot lies behind the newest slot that any provider named meanwhile: from ten
seconds before the call to one after it, since providers are asked side by side.
-#}
{% macro rpc_providers(seconds, name) -%}
    with calls as (
        select
            *,
            {{ bucket_start('called_at', seconds) }} as {{ name }},
            outcome in ('ok', 'null') as is_answered,
            if(
                method = 'getSlot' and slot is not null,
                max(slot) over (
                    partition by event_date
                    order by unix_micros(called_at)
                    range between 10000000 preceding and 1000000 following
                ) - slot,
                null
            ) as slot_lag
        from {{ ref('stg_solana__rpc_calls') }}
        where
            event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', rpc_days()) }}
            {% endif %}
    ),

    placed as (
        select
            *,
            row_number() over (
                partition by event_date, {{ name }}, provider
                order by latency_ms nulls last, call_id
            ) as place,
            count(latency_ms) over (partition by event_date, {{ name }}, provider) as total
        from calls
    )

    select
        event_date as call_date,
        {{ name }},
        provider,
        count(*) as calls,
        {{ count_where('not is_answered') }} as failures,
        {{ count_where('not is_answered') }} as failure_rate_numerator,
        count(*) as failure_rate_denominator,
        {{ percentile('latency_ms', 50) }} as latency_p50_ms,
        {{ percentile('latency_ms', 95) }} as latency_p95_ms,
        {{ percentile('latency_ms', 99) }} as latency_p99_ms,
        max(latency_ms) as latency_max_ms,
        max(slot_lag) as slot_lag_max,
        count(slot_lag) as slot_lag_samples,
        {{ count_where('is_answered and failover_from is not null') }} as failovers,
        max(called_at) as as_of_time
    from placed
    group by event_date, {{ name }}, provider
{%- endmacro %}
