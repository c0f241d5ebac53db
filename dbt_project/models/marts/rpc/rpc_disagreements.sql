{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'disagreement_date', 'data_type': 'date'},
    cluster_by=['provider'],
) }}
{{ states_partitions(rebuild_days()) }}

-- What providers left out although another one has it: signatures that an address's listing lacks, and transactions
-- that are answered with null.
select
    event_date as disagreement_date,
    provider,
    window_start,
    window_end,
    count(distinct signature) as signatures,
    {{ count_where("kind = 'listing'") }} as listing_omissions,
    {{ count_where("kind = 'transaction'") }} as transaction_omissions,
    {{ count_where("found_by = 'proof'") }} as found_by_proof,
    array_agg(signature order by slot desc, signature desc limit 1)[offset(0)] as example_signature,
    array_agg(held_by order by slot desc, signature desc limit 1)[offset(0)] as example_held_by,
    max(slot) as newest_slot,
    min(found_at) as first_found_at,
    max(found_at) as last_found_at
from {{ ref('stg_solana__disagreements') }}
where
    event_date is not null
    {% if is_incremental() %}
        and {{ on_days('event_date', rebuild_days()) }}
    {% endif %}
group by event_date, provider, window_start, window_end
