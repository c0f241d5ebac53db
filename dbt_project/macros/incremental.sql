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


{#-
Replaces partitions by deleting and inserting in one transaction, where the adapter merges on a condition that never
holds: a merge pairs every row that is kept with every new one on the embedded warehouse, and so costs what the history
is; a deletion of whole partitions costs nothing on either. The embedded warehouse has no true transaction: it copies the
whole table when one begins. There a build that is killed in between leaves partitions empty until it is made again, as it
is, for its objects are not marked.

What a model reads of itself is gone by the time that its SQL is asked, unless its rows were made in a table of their own
before, as they are where on_schema_change is fail: a model that reads the partitions that it replaces needs that
(tests/dbt/test_pruning.py).
-#}
{% macro bigquery__get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header) -%}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
    {#- dbt lists every day; a span is read faster where it is thousands of them. -#}
    {%- set days = modules.re.findall("date '([0-9-]+)'", predicates[0]) | unique | sort -%}
    {%- set column = predicates[0].split(' in (')[0] | trim -%}
    {{ 'begin transaction;' if target_is_bigquery() }}
    delete from {{ target }} as DBT_INTERNAL_DEST where {{ ([on_days(column, days)] + predicates[1:]) | join(' and ') }};
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ source }} as DBT_INTERNAL_SOURCE;
    {{ 'commit transaction;' if target_is_bigquery() }}
{%- endmacro %}


{#- `target` is the table in the macro above, and the profile's target here. -#}
{% macro target_is_bigquery() -%}
    {{ return(target.name != 'embedded') }}
{%- endmacro %}
