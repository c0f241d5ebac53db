{#- Days whose exchange figures are rebuilt: of the run, and of the requests that it touches. -#}
{% macro exchange_days() -%}
    {{ return(lifecycle_days(ref('int_exchange__lifecycle'), 'request_id', touched_requests(), 'figure_days')) }}
{%- endmacro %}


{#-
M19 an hour or a day at a time: the body of exchange_hourly and exchange_daily. `name` is the column of the hour, none for
days; `days` are those that are rebuilt. That a request was made, that it ended, and its payment on the chain are rows of
their own first, each in one bucket only.
-#}
{% macro exchange_figures(days, name=none) -%}
    with happened as (
        select
            'made' as what,
            mint,
            status,
            requested_by,
            units,
            tokens,
            created_date as activity_date,
            created_at as happened_at,
            changed_at as told_at
        from {{ ref('int_exchange__lifecycle') }}
        where
            created_date is not null
            {% if is_incremental() %}
                and {{ on_days('created_date', days) }}
            {% endif %}

        union all

        select
            'ended' as what,
            mint,
            status,
            requested_by,
            units,
            tokens,
            ended_date as activity_date,
            ended_at as happened_at,
            changed_at as told_at
        from {{ ref('int_exchange__lifecycle') }}
        where
            ended_date is not null and status in ('completed', 'failed', 'fallback')
            {% if is_incremental() %}
                and {{ on_days('ended_date', days) }}
            {% endif %}

        union all

        select
            'paid' as what,
            mint,
            cast(null as string) as status,
            cast(null as string) as requested_by,
            units,
            amount as tokens,
            event_date as activity_date,
            block_time as happened_at,
            block_time as told_at
        from {{ ref('stg_solana__canonical_events') }}
        where
            canonical_event = 'exchange_completed' and status = 'counted' and event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', days) }}
            {% endif %}
    ),

    totals as (
        select
            activity_date,
            {% if name %}{{ bucket_start('happened_at', 3600) }} as {{ name }},{% endif %}
            mint,
            {{ count_where("what = 'made'") }} as requests,
            {{ count_where("what = 'ended' and status = 'completed'") }} as completed,
            {{ count_where("what = 'ended' and status = 'failed'") }} as failed,
            {{ count_where("what = 'ended' and status = 'fallback'") }} as fallback,
            {{ count_where("what = 'made' and status = 'requested'") }} as pending,
            {{ count_where("what = 'ended'") }} as ended,
            {{ sum_where("what = 'made'", 'units') }} as units_requested,
            {{ sum_where("what = 'ended' and status <> 'failed'", 'units') }} as units_in,
            {{ sum_where("what = 'ended' and status <> 'failed'", 'tokens') }} as tokens_out,
            {{ sum_where("what = 'paid'", 'tokens') }} as tokens_on_chain,
            count(distinct if(what = 'made', requested_by, null)) as unique_users,
            max(told_at) as as_of_time
        from happened
        group by activity_date,{% if name %} {{ name }},{% endif %} mint
    )

    select
        activity_date,
        {% if name %}{{ name }},{% endif %}
        mint,
        {{ mint_symbol('mint') }} as symbol,
        {{ mint_decimals('mint') }} as decimals,
        requests,
        completed,
        failed,
        fallback,
        pending,
        completed as success_rate_numerator,
        ended as success_rate_denominator,
        fallback as fallback_rate_numerator,
        ended as fallback_rate_denominator,
        units_requested,
        units_in,
        tokens_out,
        tokens_on_chain,
        tokens_out as mean_rate_numerator,
        units_in as mean_rate_denominator,
        unique_users,
        as_of_time
    from totals
{%- endmacro %}
