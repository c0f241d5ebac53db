{{ config(materialized='view') }}

-- Money events on the chain, one record each: those that escrow_ledger posts. Its key is the event's place in its
-- transaction, so landing it again, or decoding it anew, adds nothing.
select
    {{ audit_record({
        'stream': "concat('chain/', program_id)",
        'source': "'chain'",
        'source_key': 'canonical_key',
        'recorded_at': 'block_time',
        'event_date': 'event_date',
        'action': 'canonical_event',
        'pseudonym': pseudonym_in('holder'),
        'amount': 'amount',
        'unit': 'mint',
        'decimals': 'decimals',
        'match_id': 'escrow_id',
        'signature': 'signature',
        'account': 'vault',
        'detail': said({'from': 'from_class', 'to': 'to_class', 'slot': 'cast(slot as string)'}),
    }) }}
from {{ ref('stg_solana__canonical_events') }}
where
    status = 'counted'
    and canonical_event in {{ text_list(money_events()) }}
    and event_date is not null
