{{ config(materialized='view') }}

{{ chain_events('hour_start', bucket_start('bucket_start', 3600)) }}
