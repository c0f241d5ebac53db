{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'write_date', 'data_type': 'date'},
) }}
{{ states_partitions(rebuild_days()) }}

-- M11: from finalized on the chain to booked in the off-chain ledger, and to landed in this warehouse (the line that
-- tells of the booking). The second leg ends on the warehouse's own clock: it is a fact of the runs.
with writes as (
    select
        write_date,
        hour_start,
        lag_ms,
        timestamp_diff(first_landed_at, finalized_at, millisecond) as landed_ms,
        written_at
    from {{ ref('int_service__ledger_writes') }}
    {% if is_incremental() %}
        where {{ on_days('write_date', rebuild_days()) }}
    {% endif %}
),

placed as (
    select
        *,
        row_number() over (
            partition by write_date, hour_start
            order by lag_ms
        ) as place,
        row_number() over (
            partition by write_date, hour_start
            order by landed_ms
        ) as landed_place,
        count(*) over (partition by write_date, hour_start) as total
    from writes
)

select
    write_date,
    hour_start,
    count(*) as writes,
    {{ whole('sum(lag_ms)') }} as ledger_lag_sum_ms,
    {{ percentiles('lag_ms', 'ledger_lag_p*_ms', [50, 95]) }},
    max(lag_ms) as ledger_lag_max_ms,
    {{ whole(percentile('landed_ms', 50, 'landed_place')) }} as warehouse_lag_p50_ms,
    {{ whole(percentile('landed_ms', 95, 'landed_place')) }} as warehouse_lag_p95_ms,
    max(landed_ms) as warehouse_lag_max_ms,
    max(written_at) as as_of_time
from placed
group by write_date, hour_start
