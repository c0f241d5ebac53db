{{ config(materialized='table') }}
{%- set until = parse_instant(var('covered_until') or var('window_end')) -%}
{%- set since = until - modules.datetime.timedelta(days=var('arbiter_days')) -%}

-- M20: what each arbiter ruled in the days before the run's end, by the ruling that holds. Split rulings favour nobody
-- and are left out of the share.
with rulings as (
    select
        arbiter,
        count(*) as resolved,
        {{ count_where("outcome = 'payer'") }} as for_payer,
        {{ count_where("outcome = 'payee'") }} as for_payee,
        {{ count_where("outcome = 'split'") }} as split,
        {{ count_where("outcome in ('payer', 'payee')") }} as one_sided,
        max(step_slot) as as_of_slot,
        max(step_at) as as_of_time
    from {{ ref('int_escrow__lifecycle') }}
    where
        step = 'resolved'
        and arbiter is not null
        and step_at >= {{ timestamp_literal(since) }}
        and step_at < {{ timestamp_literal(until) }}
    group by arbiter
),

bounded as (
    select
        *,
        {{ wilson_bound('for_payer', 'one_sided', -1) }} as payer_share_lower,
        {{ wilson_bound('for_payer', 'one_sided', 1) }} as payer_share_upper
    from rulings
)

select
    arbiter,
    arbiter <> 'unlisted' as is_listed,
    {{ timestamp_literal(since) }} as since_time,
    {{ timestamp_literal(until) }} as until_time,
    resolved,
    for_payer,
    for_payee,
    split,
    for_payer as payer_share_numerator,
    one_sided as payer_share_denominator,
    payer_share_lower,
    payer_share_upper,
    not 0.5 between payer_share_lower and payer_share_upper as is_outside_even,
    as_of_slot,
    as_of_time
from bounded
