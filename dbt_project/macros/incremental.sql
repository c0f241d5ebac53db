{#- dbt's own answer, except for sqlfluff: it reads the incremental form of every model. -#}
{% macro is_incremental() -%}
    {{ return(execute if target.name == 'lint' else dbt.is_incremental()) }}
{%- endmacro %}


{#-
The partitions that a model rebuilds, where only a query can tell them: `partitions` of a model's config is read when the
project is parsed, and can't ask the warehouse. So the model's SQL states them, once for the query and for what it replaces.
-#}
{% macro states_partitions(days) -%}
    -- partitions: {{ days | join(',') }}
{%- endmacro %}


{#- The adapter's own macro, with the partitions that the SQL states in place of the config's. -#}
{% macro bq_generate_incremental_insert_overwrite_build_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns, tmp_relation_exists, copy_partitions
) %}
    {%- set stated = modules.re.search('-- partitions: ([0-9,-]+)', sql) -%}
    {{ return(dbt.bq_generate_incremental_insert_overwrite_build_sql(
        tmp_relation, target_relation, sql, unique_key, partition_by,
        date_literals(stated.group(1).split(',')) if stated else partitions,
        dest_columns, tmp_relation_exists, copy_partitions
    )) }}
{% endmacro %}
