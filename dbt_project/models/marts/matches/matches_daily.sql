{{ config(materialized='table', partition_by={'field': 'match_date', 'data_type': 'date'}) }}

-- M16: matches per UTC day. A match counts as created on the day of its creation and as completed or cancelled on the
-- day it ended, by the status it has now; so a later change restates that day. The current-state table is small and has
-- no partitions, which makes reading it whole the exact and the cheap way.
with created as (
    select
        created_date as match_date,
        count(*) as created,
        {{ count_where("kind = 'paid'") }} as paid,
        {{ count_where("kind = 'free'") }} as free,
        0 as completed,
        0 as cancelled,
        max(changed_at) as as_of_time
    from {{ ref('int_matches__lifecycle') }}
    where created_date is not null
    group by created_date
),

ended as (
    select
        ended_date as match_date,
        0 as created,
        0 as paid,
        0 as free,
        {{ count_where("status = 'completed'") }} as completed,
        {{ count_where("status = 'cancelled'") }} as cancelled,
        max(changed_at) as as_of_time
    from {{ ref('int_matches__lifecycle') }}
    where ended_date is not null
    group by ended_date
),

days as (
    select * from created
    union all
    select * from ended
)

select
    match_date,
    {{ whole('sum(created)') }} as created,
    {{ whole('sum(paid)') }} as paid,
    {{ whole('sum(free)') }} as free,
    {{ whole('sum(paid)') }} as paid_share_numerator,
    {{ whole('sum(created)') }} as paid_share_denominator,
    {{ whole('sum(completed)') }} as completed,
    {{ whole('sum(cancelled)') }} as cancelled,
    {{ whole('sum(completed)') }} as completion_rate_numerator,
    {{ whole('sum(completed + cancelled)') }} as completion_rate_denominator,
    max(as_of_time) as as_of_time
from days
group by match_date
