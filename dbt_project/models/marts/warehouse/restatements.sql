{{ config(materialized='view') }}
{%- set in_time -%}
    partition by mart, period_date, figure_key order by known_at
{%- endset %}

-- Every change of a figure after it was first known. What a figure was on a date is the newest of its rows in
-- stg_warehouse__figures up to that date.
with versions as (
    select
        mart,
        period_date,
        figure_key,
        lag(figures) over ({{ in_time }}) as old_figures,
        figures as new_figures,
        cause,
        detail,
        run_id,
        lag(known_at) over ({{ in_time }}) as known_since,
        known_at as restated_at
    from {{ ref('stg_warehouse__figures') }}
)

select *
from versions
where cause <> 'first'
