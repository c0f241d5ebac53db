{#-
Enforced contracts on both engines.

The adapter writes `create table t (columns) ... as ( select ... )`. The embedded warehouse can't parse the parentheses
after a column list, and BigQuery doesn't need them, so this override leaves them out; everything else is the adapter's
own macro: names and types are still compared with the query's before the table is made, and on BigQuery the column
list with its NOT NULL constraints is what the table is created with.
-#}
{% macro bigquery__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language != 'sql' or not config.get('contract').enforced -%}
        {{ return(dbt.bigquery__create_table_as(temporary, relation, compiled_code, language)) }}
    {%- endif -%}
    {%- set partition_config = adapter.parse_partition_by(config.get('partition_by', none)) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {{ sql_header if sql_header is not none }}
    create or replace table {{ relation }}
    {{ get_assert_columns_equivalent(compiled_code) }}
    {{ contract_columns() }}
    {{ partition_by(partition_config) }}
    {{ cluster_by(config.get('cluster_by', none)) }}
    {{ bigquery_table_options(config, model, temporary) }}
    as {{ get_select_subquery(compiled_code) }};
{%- endmacro %}


{#-
The embedded warehouse makes every NUMERIC of a column list DECIMAL(18, 3), whatever its precision: amounts of 1e15 base
units and more don't fit. It gets no column list; the table takes the types of the query, which were just compared.
-#}
{% macro contract_columns() -%}
    {{ get_table_columns_and_constraints() if target.name != 'embedded' }}
{%- endmacro %}


{#-
The types that a contract states, as a query without rows. The adapter's own macro warns of each NUMERIC without
precision; BigQuery's has always 38 digits, so there is nothing to warn of.
-#}
{% macro bigquery__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ column['data_type'] }}) as {{ column['name'] }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#-
Whether a query gives the columns of its contract, asked of the warehouse before the model is built. A model that was
built before and hasn't changed since was asked then; asking again costs a third of a night's build.
-#}
{% macro bigquery__get_assert_columns_equivalent(sql) -%}
    {{- '' if var('models_unchanged') else dbt.default__get_assert_columns_equivalent(sql) -}}
{%- endmacro %}
