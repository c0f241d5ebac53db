{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'transaction_date', 'data_type': 'date'},
    partitions=date_literals(looking_back_days(30)),
    cluster_by=['scope', 'program_id'],
) }}

{{ chain_transactions('event_date', 'transaction_date') }}
