{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'transaction_date', 'data_type': 'date'},
    partitions=date_literals(looking_back_days(30)),
    cluster_by=['scope', 'program_id'],
) }}

{{ chain_transactions(bucket_start('block_time', 3600), 'hour_start', with_rolling_day=true) }}
