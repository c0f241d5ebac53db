{#-
Lifecycles: current states built from events that may arrive late, in any order. What the run's partitions touch is made
anew from all its events, wherever they lie; so the result doesn't depend on the order of arrival.
-#}

{#- Query: escrows with events in the partitions of the run. -#}
{% macro touched_escrows() -%}
    select distinct escrow_id
    from {{ ref('stg_solana__canonical_events') }}
    where status = 'counted' and escrow_id is not null and {{ on_days('event_date', rebuild_days()) }}
{%- endmacro %}


{#- Query: exchange requests with changes in the partitions of the run. -#}
{% macro touched_requests() -%}
    select distinct document_id as request_id
    from {{ ref('stg_firestore__changes') }}
    where {{ is_document('exchanges') }} and {{ on_days('event_date', rebuild_days()) }}
{%- endmacro %}


{#-
The days of the run and those that a lifecycle's touched rows name in `listed`, a column of days with commas between
them. Asked while the model compiles, so that the SQL names the partitions as constants; none without the lifecycle.
-#}
{% macro lifecycle_days(lifecycle, key, touched, listed) -%}
    {% set days = rebuild_days() | list %}
    {% if execute and is_incremental() and target.name != 'lint' %}
        {% set query -%}
            select distinct day
            from {{ lifecycle }}
            cross join unnest(split({{ listed }}, ',')) as day
            where {{ key }} in ({{ touched }}) and day <> ''
        {%- endset %}
        {% set days = days + run_query(query).columns[0].values() | list %}
    {% endif %}
    {{ return(days | unique | sort) }}
{%- endmacro %}


{#- A set of days as text, in order, with commas between them; '' for none. -#}
{% macro day_list(day) -%}
    coalesce(string_agg(distinct cast({{ day }} as string), ',' order by cast({{ day }} as string)), '')
{%- endmacro %}


{#- What an event does to its escrow; null for what is no step of its life. -#}
{% macro escrow_step() -%}
    case
        when canonical_event in {{ text_list(money_events()) }} then if(to_class = 'escrow', 'funded', null)
        when canonical_event = 'escrow_created' then 'created'
        when canonical_event = 'dispute_opened' then 'disputed'
        when canonical_event = 'dispute_resolved' then 'resolved'
        when canonical_event in ('assigned', 'completed', 'cancelled') then canonical_event
    end
{%- endmacro %}
