{%- set days = exchange_days() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(days) }}
{{ exchange_figures(days, 'hour_start') }}
