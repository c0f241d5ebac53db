{{ config(materialized='view') }}

-- M13. The same grain as below, so nothing is stored twice.
select
    error_date,
    hour_start,
    logged_by,
    collection,
    code,
    errors,
    first_at,
    last_at as as_of_time
from {{ ref('int_firebase__write_errors') }}
