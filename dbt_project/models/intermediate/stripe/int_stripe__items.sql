{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='stripe_id',
    cluster_by=['stripe_id'],
) }}
{%- set days = lifecycle_days(this, 'stripe_id', touched_items(), 'source_days') -%}

-- One Stripe object that moves money (charge, refund, dispute, payout) with all that is said of it: the platform's own
-- audit records, the object, its balance transactions. An item that the run touches is made anew from all its rows, so
-- any order of arrival ends the same. Judging them is the mart's work, for that depends on the time.
with records as (
    select
        stripe_id,
        action,
        amount,
        lower(currency) as currency,
        seq,
        recorded_at,
        event_date,
        regexp_contains(action, r'^(charge\.(succeeded|failed)|.*\.created|[^.]+)$') as is_statement
    from {{ ref('stg_platform__audit_events') }}
    where {{ of_touched_items('stripe_id', days) }}
),

stated as (
    select
        stripe_id,
        {{ count_where('is_statement') }} as statements,
        count(*) as records,
        max(if(is_statement, amount, null)) as stated_amount,
        max(if(is_statement, currency, null)) as stated_currency,
        max(if(action = 'charge.failed', 1, 0)) = 1 as stated_failed,
        min(seq) as first_seq,
        max(seq) as last_seq,
        min(recorded_at) as first_recorded_at
    from records
    group by stripe_id
),

objects as (
    select
        charge_id as stripe_id,
        'charge' as object_type,
        account,
        created_at,
        amount,
        lower(currency) as currency,
        status,
        if(status = 'succeeded', amount, numeric '0') as expected_balance,
        cast(null as timestamp) as arrives_at,
        event_date
    from {{ ref('stg_stripe__charges') }}
    where {{ stripe_counts() }} and {{ of_touched_items('charge_id', days) }}

    union all

    select
        refund_id as stripe_id,
        'refund' as object_type,
        account,
        created_at,
        amount,
        lower(currency) as currency,
        status,
        if(status = 'succeeded', -amount, numeric '0') as expected_balance,
        cast(null as timestamp) as arrives_at,
        event_date
    from {{ ref('stg_stripe__refunds') }}
    where {{ stripe_counts() }} and {{ of_touched_items('refund_id', days) }}

    union all

    select
        dispute_id as stripe_id,
        'dispute' as object_type,
        account,
        created_at,
        amount,
        lower(currency) as currency,
        status,
        if(status = 'won' or starts_with(status, 'warning_'), numeric '0', -amount) as expected_balance,
        cast(null as timestamp) as arrives_at,
        event_date
    from {{ ref('stg_stripe__disputes') }}
    where {{ stripe_counts() }} and {{ of_touched_items('dispute_id', days) }}

    union all

    select
        payout_id as stripe_id,
        'payout' as object_type,
        account,
        created_at,
        amount,
        lower(currency) as currency,
        status,
        if(status in ('failed', 'canceled'), numeric '0', -amount) as expected_balance,
        arrives_at,
        event_date
    from {{ ref('stg_stripe__payouts') }}
    where {{ stripe_counts() }} and {{ of_touched_items('payout_id', days) }}
),

moves as (
    select
        source_id as stripe_id,
        amount,
        lower(currency) as currency,
        created_at,
        available_at,
        event_date
    from {{ ref('stg_stripe__balance_transactions') }}
    where {{ stripe_counts() }} and {{ of_touched_items('source_id', days) }}
),

booked as (
    select
        stripe_id,
        sum(amount) as balance_amount,
        max(currency) as balance_currency,
        count(*) as balance_transactions,
        min(created_at) as first_booked_at,
        max(available_at) as available_at
    from moves
    group by stripe_id
),

source_rows as (
    select
        stripe_id,
        event_date
    from records
    union distinct
    select
        stripe_id,
        event_date
    from objects
    union distinct
    select
        stripe_id,
        event_date
    from moves
),

keys as (
    select
        stripe_id,
        {{ day_list('event_date') }} as source_days
    from source_rows
    where regexp_contains(stripe_id, r'^(ch|py|re|pyr|dp|du|po)_')
    group by stripe_id
)

select
    keys.stripe_id,
    coalesce(
        objects.object_type,
        case
            when regexp_contains(keys.stripe_id, r'^(ch|py)_') then 'charge'
            when regexp_contains(keys.stripe_id, r'^(re|pyr)_') then 'refund'
            when regexp_contains(keys.stripe_id, r'^(dp|du)_') then 'dispute'
            else 'payout'
        end
    ) as object_type,
    objects.stripe_id is not null as has_object,
    objects.account,
    objects.created_at,
    objects.amount,
    objects.currency,
    objects.status,
    objects.expected_balance,
    objects.arrives_at,
    {{ whole('coalesce(stated.statements, 0)') }} as statements,
    {{ whole('coalesce(stated.records, 0)') }} as records,
    stated.stated_amount,
    stated.stated_currency,
    stated.stated_failed,
    stated.first_seq,
    stated.last_seq,
    stated.first_recorded_at,
    booked.balance_amount,
    booked.balance_currency,
    {{ whole('coalesce(booked.balance_transactions, 0)') }} as balance_transactions,
    booked.first_booked_at,
    booked.available_at,
    keys.source_days
from keys
left join objects on keys.stripe_id = objects.stripe_id
left join stated on keys.stripe_id = stated.stripe_id
left join booked on keys.stripe_id = booked.stripe_id
