{#-
Every row has its whole key, and no two rows share it. With `date_column` and `days` (the name of a macro of window.sql)
only the partitions of the run are read; `reach` where they look back over so many days.
-#}
{% test unique_key(model, columns, date_column=none, days=none, reach=0) %}
    select
        {{ columns | join(', ') }},
        count(*) as copies
    from {{ model }}
    {% if date_column %}where {{ on_days(date_column, days_called(days, reach)) }}{% endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}


{#- The days that a macro of window.sql gives. No other one is asked: of a window of years each gives thousands. -#}
{% macro days_called(name, reach) -%}
    {{ return(
        rebuild_days() if name == 'rebuild_days'
        else balance_days() if name == 'balance_days'
        else finding_days() if name == 'finding_days'
        else rpc_days() if name == 'rpc_days'
        else gap_days() if name == 'gap_days'
        else looking_back_days(reach) if name == 'looking_back_days'
        else exceptions.raise_compiler_error('no days are called ' ~ name)
    ) }}
{%- endmacro %}
