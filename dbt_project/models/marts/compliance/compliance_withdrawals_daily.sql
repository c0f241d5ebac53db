{%- set days = (rebuild_days() + document_days(ref('int_users__states'))) | unique | sort -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'activity_date', 'data_type': 'date'},
    cluster_by=['mint'],
) }}
{{ states_partitions(days) }}

-- M22: withdrawals beside the limit of the tier that the user had at the block's time. On-chain withdrawals lead to the
-- user by the wallet that the user's document names. What a user has withdrawn of a mint since midnight counts against
-- the limit, in the order of the chain: the part of a withdrawal that lies above is over it. Without users' documents
-- there is no tier to tell of, and no row.
with withdrawals as (
    select
        canonical_key,
        block_date,
        block_time,
        slot,
        mint,
        decimals,
        holder,
        amount
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to'
        and canonical_event = 'withdrawal'
        {% if is_incremental() %}
            and {{ on_days('block_date', days) }}
        {% endif %}
),

states as (
    select
        state_date,
        user_id,
        wallet,
        kyc_tier,
        valid_from,
        place
    from {{ ref('int_users__states') }}
    where
        wallet is not null
        and not is_deleted
        {% if is_incremental() %}
            and {{ on_days('state_date', days) }}
        {% endif %}
),

known as (
    select count(*) as states
    from states
),

of_users as (
    select
        withdrawals.*,
        coalesce(states.user_id, withdrawals.holder) as person,
        {{ tier_name('states.kyc_tier') }} as tier
    from withdrawals
    cross join known
    left join states
        on
            withdrawals.block_date = states.state_date
            and withdrawals.holder = states.wallet
            and withdrawals.block_time >= states.valid_from
    where known.states > 0
    qualify row_number() over (
        partition by withdrawals.canonical_key
        order by states.valid_from desc, states.place desc, states.user_id asc
    ) = 1
),

limited as (
    select
        *,
        {{ withdrawal_limit('tier', 'mint') }} as limit_amount,
        sum(amount) over (
            partition by block_date, mint, person
            order by slot, canonical_key
            rows between unbounded preceding and current row
        ) as withdrawn
    from of_users
),

measured as (
    select
        *,
        greatest(least(amount, withdrawn - limit_amount), numeric '0') as over_amount
    from limited
),

totals as (
    select
        block_date as activity_date,
        mint,
        tier as kyc_tier,
        max(decimals) as decimals,
        count(*) as withdrawals,
        count(distinct person) as people,
        sum(amount) as amount,
        max(limit_amount) as limit_amount,
        {{ count_where('over_amount > 0') }} as over_withdrawals,
        count(distinct if(over_amount > 0, person, null)) as over_people,
        {{ sum_where('over_amount > 0', 'over_amount') }} as over_amount,
        max(slot) as as_of_slot,
        max(block_time) as as_of_time
    from measured
    group by block_date, mint, tier
)

select
    activity_date,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    kyc_tier,
    withdrawals,
    people as users,
    if({{ is_small_group('people') }}, null, amount) as amount,
    {{ is_small_group('people') }} as amount_is_suppressed,
    limit_amount as limit_per_user,
    if(limit_amount is null, null, over_withdrawals) as withdrawals_over_limit,
    if(limit_amount is null, null, over_people) as users_over_limit,
    if(limit_amount is null or {{ is_small_group('over_people') }}, null, over_amount) as amount_over_limit,
    {{ is_small_group('over_people') }} as over_is_suppressed,
    as_of_slot,
    as_of_time
from totals
