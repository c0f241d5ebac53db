{#- Condition: the row's object is the newest content of its slice. Rows of a rewritten export stay in raw and don't count. -#}
{% macro of_current_objects() -%}
    _object_uri not in (
        select uri from {{ source('ops', 'objects') }} where superseded_by is not null
    )
{%- endmacro %}
