{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'block_date', 'data_type': 'date'},
    cluster_by=['vault', 'canonical_event'],
) }}
{{ states_partitions(rebuild_days()) }}

-- The ledger as it leaves the warehouse: every posting, but users only as the class `holder`.
select
    posting_id,
    canonical_key,
    leg,
    signature,
    slot,
    block_time,
    block_date,
    canonical_event,
    account_class,
    if(account_class = 'holder', 'holder', account_id) as account_id,
    escrow_id,
    in_vault,
    vault,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    amount,
    program_id,
    profile
from {{ ref('int_escrow__postings') }}
{% if is_incremental() %}
    where {{ on_days('block_date', rebuild_days()) }}
{% endif %}
