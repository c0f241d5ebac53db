{%- set days = exchange_days() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
) }}
{{ states_partitions(days) }}
-- M19: why requests failed, or had to be fulfilled by hand, per UTC day of their end.
select
    ended_date as activity_date,
    coalesce(reason, 'unknown') as reason,
    {{ count_where("status = 'failed'") }} as failed,
    {{ count_where("status = 'fallback'") }} as fallback,
    max(changed_at) as as_of_time
from {{ ref('int_exchange__lifecycle') }}
where
    ended_date is not null and status in ('failed', 'fallback')
    {% if is_incremental() %}
        and {{ on_days('ended_date', days) }}
    {% endif %}
group by ended_date, coalesce(reason, 'unknown')
