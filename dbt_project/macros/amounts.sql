{#-
Money is NUMERIC in base or minor units, never a float. Sums start from a NUMERIC zero and counts are cast: the embedded
warehouse returns COUNTIF as NUMERIC once a table has been made from it.
-#}

{% macro sum_where(condition, amount) -%}
    coalesce(sum(if({{ condition }}, {{ amount }}, numeric '0')), numeric '0')
{%- endmacro %}


{% macro count_where(condition) -%}
    cast(countif({{ condition }}) as int64)
{%- endmacro %}


{#- Integer text to NUMERIC; null for any other text. CAST would give the embedded warehouse's DECIMAL(18, 3). -#}
{% macro numeric_from_text(text) -%}
    if(regexp_contains({{ text }}, r'^-?[0-9]+$'), parse_numeric({{ text }}), null)
{%- endmacro %}


{#- Symbol of a token as configured; null for one that isn't. -#}
{% macro mint_symbol(mint) -%}
    {%- if var('mints') -%}
        case {{ mint }}
        {%- for address, token in var('mints').items() %} when '{{ address }}' then '{{ token['symbol'] }}'{% endfor %} end
    {%- else -%}
        cast(null as string)
    {%- endif -%}
{%- endmacro %}


{#- Decimals of a token as configured; null for one that isn't. -#}
{% macro mint_decimals(mint) -%}
    {%- if var('mints') -%}
        case {{ mint }}
        {%- for address, token in var('mints').items() %} when '{{ address }}' then {{ token['decimals'] }}{% endfor %} end
    {%- else -%}
        cast(null as int64)
    {%- endif -%}
{%- endmacro %}


{#- Condition: the account is one of the configured vaults. -#}
{% macro is_own_vault(account) -%}
    {%- set addresses = var('vaults') | map(attribute='address') | list -%}
    {%- if addresses -%} {{ account }} in ('{{ addresses | join("', '") }}') {%- else -%} false {%- endif -%}
{%- endmacro %}


{#-
Decimals of Stripe's minor units, by https://docs.stripe.com/currencies (zero-decimal, three-decimal, special cases). ISK
and UGX have none in daily life, but the API still counts them in hundredths; HUF and TWD too, whose payouts are whole.
-#}
{% macro currency_decimals(currency) -%}
    case
        when lower({{ currency }}) in (
            'bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'
        ) then 0
        when lower({{ currency }}) in ('bhd', 'jod', 'kwd', 'omr', 'tnd') then 3
        else 2
    end
{%- endmacro %}


{#-
Condition: an object of Stripe counts in the platform's figures. Connected accounts have balances of their own; test mode
counts only where sources.stripe.count_test_mode says so. What states no mode (a refund, say) is live.
-#}
{% macro stripe_counts(table=none) -%}
    {%- set prefix = table ~ '.' if table else '' -%}
    {%- set conditions = [] -%}
    {%- if var('stripe_connected_accounts') -%}
        {%- do conditions.append(prefix ~ "account not in ('" ~ var('stripe_connected_accounts') | join("', '") ~ "')") -%}
    {%- endif -%}
    {%- if not var('stripe_count_test_mode') -%}
        {%- do conditions.append('coalesce(' ~ prefix ~ 'livemode, true)') -%}
    {%- endif -%}
    {{ conditions | join(' and ') or 'true' }}
{%- endmacro %}


{#- Canonical events that move money, in the order of a user's journey. -#}
{% macro money_events() -%}
    {{ return([
        'deposit', 'entry', 'prize_distributed', 'fee_collected', 'refund', 'withdrawal', 'exchange_completed',
    ]) }}
{%- endmacro %}


{% macro text_list(values) -%}
    ('{{ values | join("', '") }}')
{%- endmacro %}


{#- First expected number of an audit stream: 1, or what the configuration says of a log older than the warehouse. -#}
{% macro audit_first_seq(stream) -%}
    {%- if var('audit_first_seq') -%}
        case {{ stream }}
        {%- for name, number in var('audit_first_seq').items() %} when '{{ name }}' then {{ number }}{% endfor %} else 1 end
    {%- else -%}
        1
    {%- endif -%}
{%- endmacro %}


{#- INT64 of a whole number, whatever type the engine summed it to. -#}
{% macro whole(expression) -%}
    cast({{ expression }} as int64)
{%- endmacro %}
