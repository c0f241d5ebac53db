{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'block_date', 'data_type': 'date'},
) }}
{{ states_partitions(rebuild_days()) }}

-- Transactions of a program of the platform whose log the runtime cut: events may be missing from them.
select
    event_date as block_date,
    signature,
    program_id,
    slot,
    block_time
from {{ ref('stg_solana__transactions') }}
where
    is_log_truncated
    and event_date is not null
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
