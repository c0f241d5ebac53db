{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'write_date', 'data_type': 'date'},
    cluster_by=['signature'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M11, its first leg: finalized on the chain -> in the off-chain ledger, as the booking service logged it. What is
-- booked again on the same day counts with its first booking.
select
    event_date as write_date,
    {{ bucket_start('logged_at', 3600) }} as hour_start,
    signature,
    slot,
    finalized_at,
    logged_at as written_at,
    timestamp_diff(logged_at, finalized_at, millisecond) as lag_ms,
    landed_at as first_landed_at
from {{ ref('stg_cloudflare__worker_logs') }}
where
    kind = 'ledger_write' and event_date is not null
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
qualify row_number() over (
    partition by event_date, signature
    order by logged_at, object_uri, line_number, log_position
) = 1
