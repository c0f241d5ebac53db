{#- dbt's own answer, except for sqlfluff: it reads the incremental form of every model. -#}
{% macro is_incremental() -%}
    {{ return(execute if target.name == 'lint' else dbt.is_incremental()) }}
{%- endmacro %}


{#-
The partitions that a model rebuilds, once for its query and for what it replaces. They stand in the model's SQL and not
in its config: dbt reads the config when it parses the project, where it can't ask the warehouse, and where a window
would make every run parse everything anew.
-#}
{% macro states_partitions(days) -%}
    -- partitions: {{ days | join(',') }}
{%- endmacro %}


{#- The adapter's own macro, with the partitions that the SQL states. -#}
{% macro bq_generate_incremental_insert_overwrite_build_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns, tmp_relation_exists, copy_partitions
) %}
    {%- set stated = modules.re.search('-- partitions: ([0-9,-]+)', sql) -%}
    {%- if not stated -%}
        {{ exceptions.raise_compiler_error(target_relation ~ " doesn't state its partitions (states_partitions)") }}
    {%- endif -%}
    {{ return(dbt.bq_generate_incremental_insert_overwrite_build_sql(
        tmp_relation, target_relation, sql, unique_key, partition_by, date_literals(stated.group(1).split(',')),
        dest_columns, tmp_relation_exists, copy_partitions
    )) }}
{% endmacro %}


{#-
dbt's own macro, except that where the models are as they were at the last build no columns are compared. Then a model's
rows go straight into its partitions, and not first into a table of their own, unless the model reads itself: what it
reads may be what it replaces, and is gone by the time that its SQL is asked.
-#}
{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
    {%- if var('models_unchanged') and this | string not in compiled_code -%} {{ return('ignore') }} {%- endif -%}
    {{ return(dbt.incremental_validate_on_schema_change(on_schema_change, default)) }}
{% endmacro %}


{#-
Replaces partitions by deleting and inserting in one transaction, where the adapter merges on a condition that never
holds: a merge pairs every row that is kept with every new one on the embedded warehouse, and so costs what the history
is; a deletion of whole partitions costs nothing on either. The embedded warehouse has no true transaction: it copies the
whole table when one begins. There a build that is killed in between leaves partitions empty until it is made again, as it
is, for its objects are not marked.
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
