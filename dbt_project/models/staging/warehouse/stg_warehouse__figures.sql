-- A build that broke off and is repeated adds nothing that it had added before.
select
    mart,
    period_date,
    `key` as figure_key,
    figures,
    known_at,
    run_id,
    cause,
    detail
from {{ source('ops', 'figures') }}
