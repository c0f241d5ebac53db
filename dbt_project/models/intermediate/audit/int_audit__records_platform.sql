{{ config(materialized='view') }}

-- The platform's own audit log. A number that comes again with another hash is another record; so is one whose content
-- doesn't fit the hash that it states, by the hash that it has. An actor who is no person is named in the detail.
select
    {{ audit_record({
        'stream': "concat('platform/', stream)",
        'source': "'platform'",
        'source_key': "concat(
            coalesce(cast(seq as string), ''), '|', coalesce(record_hash, ''),
            if(computed_hash is distinct from record_hash, concat('|', coalesce(computed_hash, '')), '')
        )",
        'seq': 'seq',
        'recorded_at': 'recorded_at',
        'event_date': 'event_date',
        'action': 'action',
        'pseudonym': pseudonym_in('actor'),
        'amount': 'amount',
        'unit': 'coalesce(mint, lower(currency))',
        'decimals': 'case when mint is not null then ' ~ mint_decimals('mint')
            ~ ' when currency is not null then ' ~ currency_decimals('currency') ~ ' end',
        'match_id': 'match_id',
        'signature': 'signature',
        'stripe_id': 'stripe_id',
        'prev_hash': 'prev_hash',
        'stated_hash': 'record_hash',
        'detail': "nullif(" ~ said({
            'actor': "nullif(regexp_replace(actor, r':?[a-z]+_[0-9a-f]{32}$', ''), '')",
            'computed_hash': "if(computed_hash is distinct from record_hash, coalesce(computed_hash, 'none'), null)",
        }) ~ ", '')",
    }) }}
from {{ ref('stg_platform__audit_events') }}
where event_date is not null
