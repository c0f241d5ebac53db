{#-
Bound of the 95 % score interval of a proportion [Wilson 1927], -1 lower, 1 upper, as NUMERIC with six decimals; null
without trials. IEEE arithmetic and its square root are exact to the last bit on both engines, and six decimals are far
from it, so both give the same digits.
-#}
{% macro wilson_bound(successes, trials, side) -%}
    {#- 97.5 % quantile of the normal distribution; written so, it is a floating point number on both engines. -#}
    {%- set z = '1.959963984540054e0' -%}
    {%- set x, n = successes, trials -%}
    if(
        {{ trials }} > 0,
        {{ millionths(
            'least(1000000, greatest(0, cast(round(1000000 * (2e0 * ' ~ x ~ ' + ' ~ z ~ ' * ' ~ z ~ (' + ' if side > 0 else ' - ')
            ~ z ~ ' * sqrt(' ~ z ~ ' * ' ~ z ~ ' + 4e0 * ' ~ x ~ ' * (' ~ n ~ ' - ' ~ x ~ ') / nullif(' ~ n ~ ', 0)))'
            ~ ' / (2 * (' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ '))) as int64)))'
        ) }},
        null
    )
{%- endmacro %}


{#- NUMERIC of a whole number of millionths that isn't negative. By way of text: see numeric_from_text. -#}
{% macro millionths(count) -%}
    parse_numeric(concat(
        cast(div({{ count }}, 1000000) as string), '.', lpad(cast(mod({{ count }}, 1000000) as string), 6, '0')
    ))
{%- endmacro %}
