{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'balance_date', 'data_type': 'date'},
    cluster_by=['vault'],
) }}
{{ states_partitions(balance_days()) }}

-- M3, daily: what each vault held at the end of each UTC day, without a missing day.
select
    balance_date,
    vault,
    mint,
    {{ mint_symbol('mint') }} as symbol,
    max(decimals) as decimals,
    {{ sum_where("account_class = 'escrow'", 'closing_balance') }} as escrow_balance,
    {{ sum_where("account_class = 'holder'", 'closing_balance') }} as holder_balance,
    sum(opening_balance) as opening_outstanding,
    sum(closing_balance) as outstanding,
    {{ count_where("account_class = 'escrow' and closing_balance <> 0") }} as open_escrows,
    min(if(account_class = 'escrow' and closing_balance <> 0, opened_at, null)) as oldest_escrow_opened_at,
    max(last_slot) as as_of_slot,
    max(last_block_time) as as_of_time
from {{ ref('int_escrow__balances_daily') }}
{% if is_incremental() %}
    where {{ on_days('balance_date', balance_days()) }}
{% endif %}
group by balance_date, vault, mint
