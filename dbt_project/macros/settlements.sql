{#-
Prizes given out, each with the time of the one before it for the same match and holder: a prize that follows another
within seven days is paid twice. Prizes to several winners are not.
-#}
{% macro prizes(days) -%}
    select
        block_date,
        block_time,
        slot,
        mint,
        decimals,
        escrow_id,
        amount,
        coalesce(date_diff(
            block_date,
            lag(block_date) over (partition by escrow_id, mint, holder order by slot, canonical_key),
            day
        ) <= 7, false) as is_repeat
    from {{ ref('int_escrow__postings') }}
    where
        leg = 'to'
        and canonical_event = 'prize_distributed'
        and escrow_id is not null
        {% if days %}
            and {{ on_days('block_date', days) }}
        {% endif %}
{%- endmacro %}


{#- When a match that ended at that time must have been paid. -#}
{% macro payout_due(ended_at) -%}
    timestamp_add({{ ended_at }}, interval {{ var('settlement_deadline_minutes') }} minute)
{%- endmacro %}
