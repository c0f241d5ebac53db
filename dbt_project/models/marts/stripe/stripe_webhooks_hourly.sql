{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'delivery_date', 'data_type': 'date'},
) }}
{{ states_partitions(rebuild_days()) }}

-- M12: deliveries of Stripe's webhooks per hour of the delivery. Latency is of handled deliveries: what failed is still
-- on its way.
with deliveries as (
    select
        *,
        if(is_handled, latency_ms, null) as handled_latency_ms
    from {{ ref('int_stripe__webhook_deliveries') }}
    {% if is_incremental() %}
        where {{ on_days('delivery_date', rebuild_days()) }}
    {% endif %}
),

placed as (
    {{ placed('deliveries', ['delivery_date', 'hour_start'], 'handled_latency_ms') }}
)

select
    delivery_date,
    hour_start,
    count(*) as deliveries,
    {{ count_where('is_handled') }} as handled,
    {{ count_where('not is_handled') }} as failures,
    {{ count_where('is_retry') }} as retries,
    {{ count_where('not is_handled') }} as failure_rate_numerator,
    count(*) as failure_rate_denominator,
    {{ whole('sum(handled_latency_ms)') }} as latency_sum_ms,
    {{ percentiles('handled_latency_ms', 'latency_p*_ms') }},
    max(handled_latency_ms) as latency_max_ms,
    max(delivered_at) as as_of_time
from placed
group by delivery_date, hour_start
