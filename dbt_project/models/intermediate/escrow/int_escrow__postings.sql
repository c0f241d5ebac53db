{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'block_date', 'data_type': 'date'},
    cluster_by=['vault', 'account_class'],
) }}
{{ states_partitions(rebuild_days()) }}

-- Double entry: what a counted money event takes from one account class it gives to another, so its postings sum to
-- zero. Reverted events never happened and duplicates are the same event seen twice; neither is posted.
with counted as (
    select *
    from {{ ref('stg_solana__canonical_events') }}
    where
        status = 'counted'
        and canonical_event in {{ text_list(money_events()) }}
        and event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
),

legs as (
    select
        'from' as leg,
        from_class as account_class,
        -amount as signed_amount,
        counted.*
    from counted

    union all

    select
        'to' as leg,
        to_class as account_class,
        amount as signed_amount,
        counted.*
    from counted
)

select
    concat(canonical_key, ':', leg) as posting_id,
    canonical_key,
    leg,
    signature,
    slot,
    block_time,
    event_date as block_date,
    canonical_event,
    escrow_id,
    holder,
    account_class,
    case account_class
        when 'escrow' then coalesce(escrow_id, 'unknown')
        when 'holder' then coalesce(holder, 'unknown')
        else account_class
    end as account_id,
    account_class in ('escrow', 'holder') as in_vault,
    vault,
    mint,
    decimals,
    signed_amount as amount,
    program_id,
    profile
from legs
