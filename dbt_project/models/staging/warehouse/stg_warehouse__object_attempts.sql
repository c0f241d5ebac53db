-- Attempts are written with what they did, in one transaction: none repeats.
select
    source,
    dataset,
    origin_uri,
    uri,
    step,
    outcome,
    detail,
    attempt_id,
    noted_at
from {{ source('ops', 'object_attempts') }}
