{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M17: what moved, per UTC day of the block and per mint. Each event is taken once, from the posting that receives.
with totals as (
    select
        block_date as activity_date,
        mint,
        {{ money_sums() }}
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to' and canonical_event <> 'exchange_completed'  -- that is M19
        {% if is_incremental() %}
            and {{ on_days('block_date', rebuild_days()) }}
        {% endif %}
    group by block_date, mint
)

select
    activity_date,
    {{ money_columns() }},
    as_of_slot,
    as_of_time
from totals
