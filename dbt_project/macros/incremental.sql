{#- dbt's own answer, except for sqlfluff: it reads the incremental form of every model. -#}
{% macro is_incremental() -%}
    {{ return(execute if target.name == 'lint' else dbt.is_incremental()) }}
{%- endmacro %}
