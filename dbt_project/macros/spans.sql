{#-
Days and instants of models that carry a state from day to day, and of figures that wait until something is due. All of
them are constants of the compiled SQL, like those of window.sql.
-#}

{#- Each of the days with so many days before and after it. -#}
{% macro days_around(days, before, after) -%}
    {{ return(days_shifted(days, range(-before, after + 1))) }}
{%- endmacro %}


{#-
Days of states that documents carry on: those of running balances; from the stored states' first day on where documents
were imported, since an import has no time and lies before every change.
-#}
{% macro document_days(states, column='state_date') -%}
    {% set days = balance_days() %}
    {% if import_day() in rebuild_days() and execute and is_incremental() and target.name != 'lint' %}
        {% set query = 'select cast(min(' ~ column ~ ') as string) as day from ' ~ states %}
        {% set first = run_query(query).columns[0].values()[0] %}
        {% if first and first < days[0] %}{{ return(days_between(first, days[-1])) }}{% endif %}
    {% endif %}
    {{ return(days) }}
{%- endmacro %}


{#- The instant up to which something is known: the run's own, or the end of the last day where later ones were built. -#}
{% macro known_until() -%}
    {%- set last = balance_days()[-1] -%}
    {%- if last > covered_day() -%} timestamp '{{ shift_day(last, 1) }}T00:00:00Z' {%- else -%} {{ covered_until() }} {%- endif -%}
{%- endmacro %}


{#- The last UTC day that is known to its end. -#}
{% macro last_whole_day() -%}
    {% set last = balance_days()[-1] %}
    {% set until = parse_instant(var('covered_until') or var('window_end')) %}
    {% if last == covered_day() and until.date().isoformat() == last %}{{ return(shift_day(last, -1)) }}{% endif %}
    {{ return(last) }}
{%- endmacro %}


{#- Days on which users are looked at who were new: so many days later they may come back. -#}
{% macro retention_offsets() -%}
    {{ return([1, 7, 30]) }}
{%- endmacro %}


{#- The days, and the cohorts whose retention is told on them. -#}
{% macro cohort_days(days) -%}
    {% set offsets = [0] %}
    {% for n in retention_offsets() %}{% do offsets.append(-n) %}{% endfor %}
    {{ return(days_shifted(days, offsets)) }}
{%- endmacro %}


{#- Days on which the cohorts of these days may come back. -#}
{% macro return_days(cohorts) -%}
    {{ return(days_shifted(cohorts, retention_offsets())) }}
{%- endmacro %}
