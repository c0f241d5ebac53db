{#- Sums and counts of what moved, over the postings that receive: the figures that M17 has at every grain. -#}
{% macro money_sums() -%}
    max(decimals) as decimals,
    {{ sum_where("canonical_event = 'entry'", 'amount') }} as entry_volume,
    {{ count_where("canonical_event = 'entry'") }} as entry_count,
    {{ sum_where("canonical_event = 'prize_distributed'", 'amount') }} as prize_volume,
    {{ count_where("canonical_event = 'prize_distributed'") }} as prize_count,
    {{ sum_where("canonical_event = 'fee_collected'", 'amount') }} as fee_revenue,
    {{ sum_where("canonical_event = 'refund'", 'amount') }} as refunds,
    {{ count_where("canonical_event = 'refund'") }} as refund_count,
    {{ sum_where("canonical_event = 'deposit'", 'amount') }} as deposits,
    {{ count_where("canonical_event = 'deposit'") }} as deposit_count,
    {{ sum_where("canonical_event = 'withdrawal'", 'amount') }} as withdrawals_amount,
    {{ count_where("canonical_event = 'withdrawal'") }} as withdrawals_count,
    count(distinct if(canonical_event = 'withdrawal', holder, null)) as withdrawals_users,
    max(slot) as as_of_slot,
    max(block_time) as as_of_time
{%- endmacro %}


{#- The columns that marts of M17 show of these sums. -#}
{% macro money_columns() -%}
    mint,
    {{ mint_symbol('mint') }} as symbol,
    decimals,
    entry_volume,
    entry_count,
    prize_volume,
    prize_count,
    fee_revenue,
    refunds,
    refund_count,
    deposits,
    deposit_count,
    withdrawals_amount,
    withdrawals_count,
    withdrawals_users,
    deposits - withdrawals_amount as net_deposits,
    entry_volume as mean_entry_numerator,
    entry_count as mean_entry_denominator
{%- endmacro %}
