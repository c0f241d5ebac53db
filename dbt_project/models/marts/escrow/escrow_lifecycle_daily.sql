{{ config(materialized='view') }}

-- M20 per UTC day: a step of an escrow lies in one hour, so the hours add up.
{%- set counts = [
    'created', 'funded', 'assigned', 'completed', 'cancelled', 'disputed', 'resolved', 'resolved_for_payer',
    'resolved_for_payee', 'resolved_split', 'success_rate_numerator', 'success_rate_denominator',
    'dispute_rate_numerator', 'dispute_rate_denominator',
] %}
select
    activity_date,
    mint,
    symbol,
    max(decimals) as decimals,
    {%- for name in counts %}
        {{ whole('sum(' ~ name ~ ')') }} as {{ name }},
    {%- endfor %}
    max(as_of_slot) as as_of_slot,
    max(as_of_time) as as_of_time
from {{ ref('escrow_lifecycle_hourly') }}
group by activity_date, mint, symbol
