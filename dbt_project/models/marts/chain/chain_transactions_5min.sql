{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'transaction_date', 'data_type': 'date'},
    cluster_by=['scope', 'program_id'],
) }}
{{ states_partitions(rebuild_days()) }}

-- M1 for the rules: short spans are read on five minutes.
with transactions as (
    {{ scoped_transactions(bucket_start('block_time', 300)) }}
)

select
    transaction_date,
    bucket_start,
    scope,
    program_id,
    instruction,
    count(*) as transactions,
    {{ count_where('not is_success') }} as failures,
    max(slot) as as_of_slot,
    max(block_time) as as_of_time
from transactions
group by transaction_date, bucket_start, scope, program_id, instruction
