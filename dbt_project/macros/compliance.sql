{#- KYC tier as a key: '0' to '3', 'unknown' where nothing states it. -#}
{% macro tier_name(tier) -%}
    coalesce(cast({{ tier }} as string), 'unknown')
{%- endmacro %}


{#- Base units that a user of a tier may withdraw of a mint in a UTC day; null where the configuration sets no limit. -#}
{% macro withdrawal_limit(tier, mint) -%}
    {%- set limits = [] -%}
    {%- for name, mints in var('kyc_withdrawal_limits').items() -%}
        {%- for address, amount in mints.items() -%}{%- do limits.append((name, address, amount)) -%}{%- endfor -%}
    {%- endfor -%}
    {%- if limits -%}
        case
        {%- for name, address, amount in limits %}
            when {{ tier }} = '{{ name }}' and {{ mint }} = '{{ address }}' then parse_numeric('{{ amount }}')
        {%- endfor %}
        end
    {%- else -%}
        cast(null as numeric)
    {%- endif -%}
{%- endmacro %}


{#- Condition: a group of so many people is too small for an amount of theirs to be shown. -#}
{% macro is_small_group(people) -%}
    {{ people }} between 1 and {{ var('minimum_group') - 1 }}
{%- endmacro %}
