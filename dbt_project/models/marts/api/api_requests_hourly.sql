{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'request_date', 'data_type': 'date'},
    cluster_by=['endpoint'],
) }}
{{ states_partitions(looking_back_days(1)) }}

-- M14: requests as the Workers logged them, per hour.
{{ api_figures(ref('int_api__requests_hourly'), 'hour_start', 60) }}
