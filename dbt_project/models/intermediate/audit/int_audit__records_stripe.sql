{{ config(materialized='view') }}

-- Stripe's money objects, a record for each state that was ever read of one: staging has the newest alone, so this
-- reads raw. All states of an object stand at the time that Stripe states of it, its creation.
with states as (
    {{ audit_stripe_states('balance_transaction', {
        'type': 'type',
        'category': 'reporting_category',
        'fee': number_text('fee'),
        'net': number_text('net'),
        'source': 'source',
        'available': 'cast(date(available_on) as string)',
        'mode': "if(not livemode, 'test', null)",
    }) }}

    union all

    {{ audit_stripe_states('charge', {
        'refunded': number_text('amount_refunded'),
        'paid': 'cast(paid as string)',
        'disputed': 'cast(disputed as string)',
        'failure': 'failure_code',
        'payment_intent': 'payment_intent',
        'balance_transaction': 'balance_transaction',
        'mode': "if(not livemode, 'test', null)",
    }, pseudonym_in('customer')) }}

    union all

    {{ audit_stripe_states('refund', {
        'charge': 'charge',
        'payment_intent': 'payment_intent',
        'balance_transaction': 'balance_transaction',
        'reason': 'reason',
    }) }}

    union all

    {{ audit_stripe_states('dispute', {
        'charge': 'charge',
        'payment_intent': 'payment_intent',
        'reason': 'reason',
        'mode': "if(not livemode, 'test', null)",
    }) }}

    union all

    {{ audit_stripe_states('payout', {
        'arrives': 'cast(date(arrival_date) as string)',
        'automatic': 'cast(automatic as string)',
        'balance_transaction': 'balance_transaction',
        'mode': "if(not livemode, 'test', null)",
    }) }}
),

keyed as (
    select
        *,
        concat(
            id, '|', to_hex(sha256(concat(
                kind, '|', state, '|', coalesce({{ number_text('amount') }}, ''), '|', coalesce(unit, ''), '|', detail
            )))
        ) as source_key
    from states
),

firsts as (
    select *
    from keyed
    qualify row_number() over (partition by account, source_key, event_date order by read_through, created) = 1
)

select
    {{ audit_record({
        'stream': "concat('stripe/', account)",
        'source': "'stripe'",
        'source_key': 'source_key',
        'recorded_at': 'created',
        'event_date': 'event_date',
        'action': "concat(kind, '_', state)",
        'pseudonym': 'pseudonym',
        'amount': 'amount',
        'unit': 'unit',
        'decimals': 'decimals',
        'stripe_id': 'id',
        'account': 'account',
        'detail': "nullif(detail, '')",
    }) }}
from firsts
