{{ config(materialized='view') }}

-- M24: what each step of each run did and cost. A view, for the attempts of the running build end after it.
select
    run_id,
    step,
    coalesce(source, 'all') as source,
    min(window_start) as window_start,
    max(window_end) as window_end,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    count(*) as attempts,
    {{ count_where("outcome <> 'ok'") }} as attempts_failed,
    {{ whole('coalesce(sum(timestamp_diff(ended_at, started_at, millisecond)), 0)') }} as run_ms,
    {{ whole('coalesce(sum(objects), 0)') }} as objects,
    {{ whole('coalesce(sum(rows_loaded), 0)') }} as rows_loaded,
    {{ whole('coalesce(sum(rows_quarantined), 0)') }} as rows_quarantined,
    {{ whole('sum(bytes_scanned)') }} as bytes_scanned,
    max(ended_at) as as_of_time
from {{ ref('stg_warehouse__attempts') }}
group by run_id, step, coalesce(source, 'all')
