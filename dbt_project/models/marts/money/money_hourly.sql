{%- set days = looking_back_days(7) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(days) }}

-- M17 per hour, and what the same hour of the seven days before withdrew. A day of history is one on which any money
-- moved; an hour of it without withdrawals counts as nothing withdrawn.
with hours as (
    select
        block_date as activity_date,
        {{ bucket_start('block_time', 3600) }} as hour_start,
        mint,
        {{ money_sums() }}
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to' and canonical_event <> 'exchange_completed'  -- that is M19
        {% if is_incremental() %}
            and {{ on_days('block_date', and_days_before(days, 7)) }}
        {% endif %}
    group by activity_date, hour_start, mint
),

days as (
    select distinct activity_date
    from hours
),

history as (
    select
        activity_date,
        count(*) over (order by unix_date(activity_date) range between 7 preceding and 1 preceding) as days_before
    from days
),

compared as (
    select
        *,
        sum(withdrawals_amount) over (
            partition by mint, extract(hour from hour_start)
            order by unix_date(activity_date)
            range between 7 preceding and 1 preceding
        ) as amount_before,
        sum(withdrawals_count) over (
            partition by mint, extract(hour from hour_start)
            order by unix_date(activity_date)
            range between 7 preceding and 1 preceding
        ) as count_before
    from hours
)

select
    compared.activity_date,
    compared.hour_start,
    {{ money_columns() }},
    coalesce(compared.amount_before, numeric '0') as same_hour_mean_amount_numerator,
    {{ whole('coalesce(compared.count_before, 0)') }} as same_hour_mean_count_numerator,
    history.days_before as same_hour_mean_denominator,
    compared.as_of_slot,
    compared.as_of_time
from compared
inner join history on compared.activity_date = history.activity_date
{% if is_incremental() %}
    where {{ on_days('compared.activity_date', days) }}
{% endif %}
