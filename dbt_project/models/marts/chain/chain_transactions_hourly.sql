{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'transaction_date', 'data_type': 'date'},
    cluster_by=['scope', 'program_id'],
) }}
{{ states_partitions(looking_back_days(30)) }}

{{ chain_transactions(bucket_start('block_time', 3600), 'hour_start', with_rolling_day=true) }}
