{#-
Fields of Firestore documents, found by the JSON paths of the platform profile (`documents` in --vars). A platform that
keeps no such document, or no such field, gives null: absent, not zero.
-#}

{% macro document_path(document, field) -%}
    {{ return((var('documents').get(document) or {}).get(field)) }}
{%- endmacro %}


{#- The field's text. -#}
{% macro document_text(document, field, json='data') -%}
    {%- set path = document_path(document, field) -%}
    {%- if path -%} json_value({{ json }}, '$.{{ path }}') {%- else -%} cast(null as string) {%- endif -%}
{%- endmacro %}


{#- The field as a time: the tracker's {"_seconds", "_nanoseconds"}, or ISO 8601 text. -#}
{% macro document_time(document, field, json='data') -%}
    {%- set path = document_path(document, field) -%}
    {%- if path -%}
        coalesce(
            timestamp_micros(
                cast(json_value({{ json }}, '$.{{ path }}._seconds') as int64) * 1000000
                + div(cast(coalesce(json_value({{ json }}, '$.{{ path }}._nanoseconds'), '0') as int64), 1000)
            ),
            safe_cast(json_value({{ json }}, '$.{{ path }}') as timestamp)
        )
    {%- else -%}
        cast(null as timestamp)
    {%- endif -%}
{%- endmacro %}


{#- Condition: the change is one of this kind of document. -#}
{% macro is_document(document) -%}
    {%- set collection = document_path(document, 'collection') -%}
    {%- if collection -%} collection = '{{ collection }}' {%- else -%} false {%- endif -%}
{%- endmacro %}


{#-
What orders the changes of a document that were made at one instant, as text: imports first, then created, updated,
deleted; then the event id; imports, which have none, by their data. So the order doesn't depend on their arrival.
-#}
{% macro change_rank() -%}
    concat(
        case operation when 'IMPORT' then '0' when 'CREATE' then '1' when 'UPDATE' then '2' else '3' end,
        coalesce(event_id, ''),
        if(coalesce(event_id, '') = '', coalesce(data, ''), '')
    )
{%- endmacro %}


{#- The database that a document is of, by its full resource name. -#}
{% macro database_root(document_name) -%}
    regexp_extract({{ document_name }}, r'^(.*/documents/)')
{%- endmacro %}


{#- The partition of imported documents: an import has the epoch for its time. -#}
{% macro import_day() -%}{{ return('1970-01-01') }}{%- endmacro %}


{#- The day of the end of what hasn't ended. -#}
{% macro open_end() -%}{{ return('9999-12-31') }}{%- endmacro %}


{#-
Days of changes that are followed again: those of running balances; where documents were imported all there are, since an
import has no time and lies before every change. Asked while the model compiles, so that the SQL names the partitions as
constants.
-#}
{% macro presence_days(changes) -%}
    {% set days = balance_days() %}
    {% if import_day() in rebuild_days() and execute and is_incremental() and target.name != 'lint' %}
        {% set query -%}
            select cast(min(event_date) as string) as day from {{ changes }} where event_date > date '{{ import_day() }}'
        {%- endset %}
        {% set first = run_query(query).columns[0].values()[0] or days[0] %}
        {{ return([import_day()] + days_between([first, days[0]] | min, days[-1])) }}
    {% endif %}
    {{ return(days) }}
{%- endmacro %}


{#-
Days of exports that are compared again: the rebuilt ones, and every later one, since a change moves what was there at each
export after it; and those of earlier exports that were still being written. Asked while the model compiles, as above.
-#}
{% macro export_days(collections, exports) -%}
    {% set running = document_days(collections, 'export_date') %}
    {% set days = (rebuild_days() | reject('equalto', import_day()) | list) + running %}
    {% if execute and is_incremental() and target.name != 'lint' %}
        {% set query -%}
            select distinct cast(export_date as string) as day from {{ exports }}
            where export_date < date '{{ running[0] }}' and ended_at >= timestamp '{{ running[0] }}T00:00:00Z'
        {%- endset %}
        {% set days = days + (run_query(query).columns[0].values() | list) %}
    {% endif %}
    {{ return(days | unique | sort) }}
{%- endmacro %}
