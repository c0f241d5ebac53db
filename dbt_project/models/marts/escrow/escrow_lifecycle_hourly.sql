{%- set days = lifecycle_days(ref('int_escrow__lifecycle'), 'escrow_id', touched_escrows(), 'source_days') -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(days) }}
-- M20: escrows by what happened to them, per hour of the block and mint. Rebuilt are the days of the run and all days
-- of the escrows that it touches, for a late event can move another step of its escrow, or name its mint.
select
    step_date as activity_date,
    {{ bucket_start('step_at', 3600) }} as hour_start,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    max(decimals) as decimals,
    {{ count_where("step = 'created'") }} as created,
    {{ count_where("step = 'funded'") }} as funded,
    {{ count_where("step = 'assigned'") }} as assigned,
    {{ count_where("step = 'completed'") }} as completed,
    {{ count_where("step = 'cancelled'") }} as cancelled,
    {{ count_where("step = 'disputed'") }} as disputed,
    {{ count_where("step = 'resolved'") }} as resolved,
    {{ count_where("outcome = 'payer'") }} as resolved_for_payer,
    {{ count_where("outcome = 'payee'") }} as resolved_for_payee,
    {{ count_where("outcome = 'split'") }} as resolved_split,
    {{ count_where("step = 'completed'") }} as success_rate_numerator,
    {{ count_where("step in ('completed', 'cancelled')") }} as success_rate_denominator,
    {{ count_where("step = 'disputed'") }} as dispute_rate_numerator,
    {{ count_where("step = 'created'") }} as dispute_rate_denominator,
    max(step_slot) as as_of_slot,
    max(step_at) as as_of_time
from {{ ref('int_escrow__lifecycle') }}
{% if is_incremental() %}
    where {{ on_days('step_date', days) }}
{% endif %}
group by step_date, {{ bucket_start('step_at', 3600) }}, mint
