{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['account'],
) }}
{%- set days = [shift_day(balance_days()[0], -1)] + balance_days() -%}
{{ states_partitions(days) }}
{%- set opening = opening_day(this, 'balance_date', days[0]) %}

-- M6: lamports of the platform's own accounts at the end of every hour. What a transaction left behind is the balance
-- after its slot; several transactions of one slot have no order here, so such a slot is carried over by its changes.
-- A live reading is the balance after its slot, and counts where no single transaction of that slot states it. An hour
-- without either carries the balance on, up to the last hour that the run covers or anything is known of. The day
-- before the others is built too: when it was built last, its end may not have been covered.
with observed as (
    select
        event_date as balance_date,
        account,
        account_kind,
        slot,
        block_time,
        pre_lamports,
        post_lamports,
        false as is_reading
    from {{ ref('stg_solana__native_balances') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}

    union all

    select
        event_date as balance_date,
        address as account,
        role as account_kind,
        slot,
        block_time,
        amount as pre_lamports,
        amount as post_lamports,
        true as is_reading
    from {{ ref('stg_solana__account_balances') }}
    where
        kind = 'native' and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
),

slots as (
    select
        {{ bucket_start('max(block_time)', 3600) }} as hour_start,
        account,
        max(account_kind) as account_kind,
        slot,
        max(block_time) as block_time,
        {{ count_where('not is_reading') }} as transactions,
        coalesce(
            if({{ count_where('not is_reading') }} = 1, max(if(is_reading, null, post_lamports)), null),
            max(if(is_reading, post_lamports, null))
        ) as stated,
        sum(post_lamports - pre_lamports) as change
    from observed
    group by account, slot

    {% if is_incremental() %}
        union all

        select
            hour_start,
            account,
            account_kind,
            as_of_slot as slot,
            as_of_time as block_time,
            0 as transactions,
            closing_lamports as stated,
            numeric '0' as change
        from (
            select *
            from {{ this }}
            where balance_date = date '{{ opening }}'
            qualify row_number() over (partition by account order by hour_start desc) = 1
        ) as last_known
    {% endif %}
),

stretches as (
    select
        *,
        count(stated) over (
            partition by account
            order by slot
            rows between unbounded preceding and current row
        ) as stretch
    from slots
),

balances as (
    select
        *,
        sum(coalesce(stated, change)) over (
            partition by account, stretch
            order by slot
            rows between unbounded preceding and current row
        ) as balance,
        sum(transactions) over (partition by account, hour_start) as hour_transactions
    from stretches
    where stretch > 0
),

-- The last slot of each hour, and the balance before its first one.
hours as (
    select
        hour_start,
        account,
        account_kind,
        slot,
        block_time,
        hour_transactions,
        balance as closing,
        first_value(balance - change) over (
            partition by account, hour_start
            order by slot
            rows between unbounded preceding and unbounded following
        ) as opening,
        lead(slot) over (partition by account, hour_start order by slot) as later_slot
    from balances
),

followed as (
    select
        *,
        lag(closing) over (partition by account order by hour_start) as closing_before,
        lead(hour_start) over (partition by account order by hour_start) as next_hour
    from hours
    where later_slot is null
),

bounds as (
    select
        greatest(
            {{ bucket_start('max(block_time)', 3600) }},
            {{ bucket_start('timestamp_sub(' ~ covered_until() ~ ', interval 1 second)', 3600) }}
        ) as last_hour
    from slots
),

spans as (
    select
        followed.hour_start,
        followed.account,
        followed.account_kind,
        followed.slot,
        followed.block_time,
        followed.hour_transactions,
        followed.closing,
        coalesce(followed.closing_before, followed.opening) as opening,
        coalesce(timestamp_sub(followed.next_hour, interval 1 hour), bounds.last_hour) as until_hour
    from followed
    cross join bounds
)

select
    date(hour) as balance_date,
    hour as hour_start,
    spans.account,
    spans.account_kind,
    if(hour = spans.hour_start, spans.opening, spans.closing) as opening_lamports,
    spans.closing as closing_lamports,
    if(hour = spans.hour_start, spans.closing - spans.opening, numeric '0') as change_lamports,
    if(hour = spans.hour_start, {{ whole('spans.hour_transactions') }}, 0) as transactions,
    spans.slot as as_of_slot,
    spans.block_time as as_of_time
from spans
cross join unnest(generate_timestamp_array(spans.hour_start, spans.until_hour, interval 1 hour)) as hour
{% if is_incremental() %}
    where date(hour) > date '{{ opening }}'
{% endif %}
