{{ config(materialized='view') }}

{{ chain_events() }}
