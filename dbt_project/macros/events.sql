{#-
M8 an hour or a day at a time, out of five minutes: the body of chain_events_hourly and _daily. Rows of scope `event`
hold one kind each; the row of scope `all` holds what is made of several kinds.
-#}
{% macro chain_events(name=none, bucket=none) -%}
    with events as (
        select
            event_date,
            {% if name %}{{ bucket }} as {{ name }},{% endif %}
            scope,
            if(scope = 'event', canonical_event, '(all)') as canonical_event,
            canonical_event as kind,
            events,
            reverted,
            as_of_slot,
            as_of_time
        from {{ ref('chain_events_5min') }}
        cross join unnest(['all', 'event']) as scope
    ),

    counted as (
        select
            event_date,
            {% if name %}{{ name }},{% endif %}
            scope,
            canonical_event,
            {{ whole('sum(events)') }} as events,
            {{ whole('sum(reverted)') }} as reverted,
            {{ whole("sum(if(kind = 'escrow_created', events, 0))") }} as created,
            {{ whole("sum(if(kind = 'cancelled', events, 0))") }} as cancelled,
            {{ whole("sum(if(kind = 'dispute_opened', events, 0))") }} as disputes,
            max(as_of_slot) as as_of_slot,
            max(as_of_time) as as_of_time
        from events
        group by event_date,{% if name %} {{ name }},{% endif %} scope, canonical_event
    )

    select
        event_date,
        {% if name %}{{ name }},{% endif %}
        scope,
        canonical_event,
        events,
        reverted,
        if(scope = 'all', created, null) as escrows_created,
        if(scope = 'all', cancelled, null) as escrows_cancelled,
        if(scope = 'all', cancelled, null) as cancellation_rate_numerator,
        if(scope = 'all', created, null) as cancellation_rate_denominator,
        if(scope = 'all', disputes, null) as disputes_opened,
        as_of_slot,
        as_of_time
    from counted
{%- endmacro %}
