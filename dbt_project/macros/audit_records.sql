{#- Columns of int_audit__records_*: what audit.events says of a record, with the user's pseudonym in place of a token. -#}
{% macro audit_record_columns() -%}
    {{ return({
        'stream': 'string', 'source': 'string', 'source_key': 'string', 'seq': 'int64', 'recorded_at': 'timestamp',
        'event_date': 'date', 'action': 'string', 'pseudonym': 'string', 'amount': 'numeric', 'unit': 'string',
        'decimals': 'int64', 'match_id': 'string', 'signature': 'string', 'stripe_id': 'string', 'account': 'string',
        'prev_hash': 'string', 'stated_hash': 'string', 'detail': 'string',
    }) }}
{%- endmacro %}


{#- SELECT list of one record: `given` maps columns to expressions; those left out are null. -#}
{% macro audit_record(given) -%}
    {%- for name, type in audit_record_columns().items() %}
        {%- if name in given %} {{ given[name] }}
        {%- elif type == 'numeric' %} parse_numeric(cast(null as string))
        {%- else %} cast(null as {{ type }})
        {%- endif %} as {{ name }}{% if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}


{#-
Text "name=value name=value" of the values that there are, empty where there are none. Values are expressions of type STRING. Its bytes are hashed, so
each value is written the same on every engine: numbers by number_text, days and codes as they are.
-#}
{% macro said(values) -%}
    {%- set parts = [] -%}
    {%- for name, value in values.items() %}{% do parts.append("concat('" ~ name ~ "=', " ~ value ~ ")") %}{% endfor -%}
    coalesce(array_to_string([{{ parts | join(', ') }}], ' '), '')
{%- endmacro %}


{#- Text of a whole NUMERIC, without the zeros behind its point that an engine adds. -#}
{% macro number_text(value) -%}
    regexp_replace(cast({{ value }} as string), r'\.0*$', '')
{%- endmacro %}


{#- The keyed pseudonym (of a user, a wallet, a customer) that a text is or ends in, as admin:user_...; null for none. -#}
{% macro pseudonym_in(text) -%}
    regexp_extract({{ text }}, r'(?:^|:)([a-z]+_[0-9a-f]{32})$')
{%- endmacro %}


{#-
Every state that was read of one kind of Stripe's objects: what the record says of it decides whether it is another one.
`kind`: the object's name; `said_of_it`: what `detail` says of it, as in `said`.
-#}
{% macro audit_stripe_states(kind, said_of_it, pseudonym='cast(null as string)') -%}
    select
        account,
        id,
        created,
        read_through,
        _event_date as event_date,
        amount,
        lower(currency) as unit,
        {{ currency_decimals('currency') }} as decimals,
        '{{ kind }}' as kind,
        {{ pseudonym }} as pseudonym,
        coalesce(status, 'unknown') as state,
        {{ said(said_of_it) }} as detail
    from {{ source('raw', 'stripe_' ~ kind ~ 's') }}
    where _event_date is not null
{%- endmacro %}


{#-
Days of the audit log whose figures may change: those whose findings are judged again, and those of which a record came
late and was sealed with one of these. Asked while the model compiles, so that the SQL names the partitions as constants.
-#}
{% macro audit_days() -%}
    {% set days = finding_days() | list %}
    {% if execute and is_incremental() and target.name != 'lint' %}
        {% set query -%}
            select distinct cast(event_day as string) as day
            from {{ source('audit', 'leaves') }}
            where {{ on_days('seal_day', days) }} and starts_with(stream, 'platform/')
        {%- endset %}
        {% set days = days + run_query(query).columns[0].values() | list %}
    {% endif %}
    {{ return(days | unique | sort) }}
{%- endmacro %}
