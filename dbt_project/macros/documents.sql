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
