{%- set keys = [
    ('stg_solana__transactions', ['signature']),
    ('stg_solana__signatures', ['address', 'signature']),
    ('stg_solana__token_balances', ['signature', 'account']),
    ('stg_solana__events', ['event_key']),
    ('stg_solana__canonical_events', ['canonical_key']),
    ('stg_solana__account_balances', ['address', 'kind', 'cast(slot as string)']),
    ('stg_solana__rpc_calls', ['call_id']),
    ('stg_solana__coverage', ['address', 'cast(from_slot as string)', 'cast(to_slot as string)', 'providers', 'cast(event_date as string)']),
    ('stg_solana__disagreements', ['provider', 'kind', "coalesce(address, '')", 'signature']),
    ('stg_solana__balance_proofs', ['proof_id']),
    ('stg_solana__balance_breaks', ['break_id', 'proof_id']),
    ('stg_solana__pending', ['attempt_id', 'address', 'signature']),
    ('stg_solana__native_balances', ['signature', 'account']),
    ('stg_stripe__balance_transactions', ["coalesce(account, '')", 'balance_transaction_id']),
    ('stg_stripe__charges', ["coalesce(account, '')", 'charge_id']),
    ('stg_stripe__payment_intents', ["coalesce(account, '')", 'payment_intent_id']),
    ('stg_stripe__refunds', ["coalesce(account, '')", 'refund_id']),
    ('stg_stripe__disputes', ["coalesce(account, '')", 'dispute_id']),
    ('stg_stripe__payouts', ["coalesce(account, '')", 'payout_id']),
    ('stg_stripe__customers', ["coalesce(account, '')", 'customer_id']),
    ('stg_stripe__events', ["coalesce(account, '')", 'event_id']),
    ('stg_firestore__changes', ['event_id', "if(event_id = '', concat(document_name, coalesce(data, '')), '')"]),
    ('stg_firestore__export_documents', ['export_uri', 'document_name']),
    ('stg_firestore__export_metadata', ['export_uri', 'kind', 'metadata_file']),
    ('stg_firebase__auth_users', ['uid', 'cast(exported_at as string)']),
    ('stg_cloud_logging__entries', ['coalesce(insert_id, concat(object_uri, cast(line_number as string)))', "coalesce(cast(logged_at as string), '')", "coalesce(log_name, '')"]),
    ('stg_cloudflare__worker_logs', ['object_uri', 'cast(line_number as string)', 'log_position']),
    ('stg_platform__audit_events', ['stream', 'cast(seq as string)', 'record_hash']),
    ('stg_warehouse__quarantine', ['quarantine_id']),
] %}
-- Rows: keys that a staging model holds twice, or not at all, on the days of the run.
{% for model, columns in keys -%}
    select
        '{{ model }}' as model,
        concat({{ columns | join(", '|', ") }}) as key,
        count(*) as copies
    from {{ ref(model) }}
    where {{ on_days('event_date', rebuild_days()) }}
    group by key
    having count(*) > 1 or key is null
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
