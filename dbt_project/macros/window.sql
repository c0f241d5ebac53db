{#-
The run's window and the partitions that it rebuilds, as constants of the compiled SQL: partitions are pruned only by
constants, and the same window gives the same SQL whenever it runs. The clock is never asked.
-#}

{% macro parse_instant(text) -%}
    {% set parsed = modules.datetime.datetime.fromisoformat(text | replace('Z', '+00:00')) %}
    {% if parsed.tzinfo is none %}{% set parsed = modules.pytz.utc.localize(parsed) %}{% endif %}
    {{ return(parsed.astimezone(modules.pytz.utc)) }}
{%- endmacro %}


{#- Days from one 'YYYY-MM-DD' to another, both included. -#}
{% macro days_between(first, last) -%}
    {% set start, delta, days = modules.datetime.date.fromisoformat(first), modules.datetime.timedelta, [] %}
    {% for n in range((modules.datetime.date.fromisoformat(last) - start).days + 1) %}
        {% do days.append((start + delta(n)).isoformat()) %}
    {% endfor %}
    {{ return(days) }}
{%- endmacro %}


{#- UTC days that the window touches. -#}
{% macro window_days() -%}
    {% set last = parse_instant(var('window_end')) - modules.datetime.timedelta(microseconds=1) %}
    {{ return(days_between(parse_instant(var('window_start')).date().isoformat(), last.date().isoformat())) }}
{%- endmacro %}


{#- Days whose partitions are rebuilt. -#}
{% macro rebuild_days() -%}
    {{ return((var('partitions') or window_days()) | unique | sort) }}
{%- endmacro %}


{#- Days of running balances: without a gap, for each is built from the one before. -#}
{% macro balance_days() -%}
    {% if var('balance_partitions') %}
        {% set days = var('balance_partitions') | sort %}
        {{ return(days if is_without_gap(days) else days_between(days[0], days[-1])) }}
    {% endif %}
    {{ return(days_between((rebuild_days() + window_days()) | min, (rebuild_days() + window_days()) | max)) }}
{%- endmacro %}


{#- Days with the day before and the day after each of them. -#}
{% macro with_neighbours(days) -%}
    {{ return(days_shifted(days, [-1, 0, 1])) }}
{%- endmacro %}


{#- The days that lie so many days after each of the days; a negative number is before. A long history has thousands of
days, and a call of a macro for each of them would take longer than the model. -#}
{% macro days_shifted(days, offsets) -%}
    {% set date, found, steps = modules.datetime.date, [], [] %}
    {% for n in offsets %}{% do steps.append(modules.datetime.timedelta(n)) %}{% endfor %}
    {% for day in days %}
        {% set start = date.fromisoformat(day) %}
        {% for step in steps %}{% do found.append((start + step).isoformat()) %}{% endfor %}
    {% endfor %}
    {{ return(found | unique | sort) }}
{%- endmacro %}


{#- Whether days in order follow on one another. -#}
{% macro is_without_gap(days) -%}
    {% set date = modules.datetime.date %}
    {{ return((date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days + 1 == days | length) }}
{%- endmacro %}


{#-
Days in order as spans, each a list of days that follow on one another; none where they are so scattered that a list of them
all does as well. Otherwise each query of a window of years would name thousands of days.
-#}
{% macro day_spans(days) -%}
    {% if is_without_gap(days) %}{{ return([[days[0], days[-1]]] if days | length > 1 else []) }}{% endif %}
    {% set one, spans = modules.datetime.timedelta(1), [] %}
    {% for day in days %}
        {% set date = modules.datetime.date.fromisoformat(day) %}
        {% if spans and spans[-1][-1] + one == date %}
            {% do spans[-1].append(date) %}
        {% else %}
            {% do spans.append([date]) %}
        {% endif %}
    {% endfor %}
    {{ return(spans if spans | length * 10 <= days | length else []) }}
{%- endmacro %}


{#-
Days whose findings are judged again: one more than the balances', since a record may lie on the other side of midnight,
and those around each rebuilt day, where a late record may be missing, or close a gap that the next day shows.
-#}
{% macro finding_days() -%}
    {% set running = balance_days() %}
    {{ return((running + [shift_day(running[0], -1)] + with_neighbours(rebuild_days())) | unique | sort) }}
{%- endmacro %}


{#-
Days whose Logpush coverage may have changed: the rebuilt ones and those beside them, for an object may reach over midnight;
and the day whose last minutes were not yet due before.
-#}
{% macro coverage_days() -%}
    {%- set late = modules.datetime.timedelta(minutes=var('logpush')['late_minutes']) -%}
    {%- set due = parse_instant(var('window_start')) - late -%}
    {{ return((with_neighbours(rebuild_days()) + [due.date().isoformat()]) | unique | sort) }}
{%- endmacro %}


{#-
Days whose Logpush gaps are judged again: those, and as many after each as a log may be silent before it counts as switched
off, up to the last day that any run covered, for an object that comes late makes gaps of the silent days after it; and the
window's own, which only now are due.
-#}
{% macro gap_days() -%}
    {% set after = days_shifted(coverage_days(), range(var('logpush')['off_after_days'] + 1)) %}
    {% set due = (after | select('le', covered_day()) | list) + window_days() %}
    {{ return((coverage_days() + due) | unique | sort) }}
{%- endmacro %}


{#- Days as rows with the column `day`. -#}
{% macro day_rows(days) -%}
    {%- for span in day_spans(days) %}
        {%- if not loop.first %}
        union all
        {% endif -%}
        select day
        from unnest(generate_date_array(date '{{ span[0] }}', date '{{ span[-1] }}')) as day
    {%- else -%}
        select day
        from unnest([{{ date_literals(days) | join(', ') }}]) as day
    {%- endfor -%}
{%- endmacro %}


{#-
Days whose figures look back over `reach` days (a rolling sum, a baseline) and so may change: the rebuilt ones, and the
later ones that look back on them, up to the last day that is built.
-#}
{% macro looking_back_days(reach) -%}
    {% set last = balance_days()[-1] %}
    {% set later = days_shifted(rebuild_days(), range(reach + 1)) | select('le', last) | list %}
    {{ return((rebuild_days() + later) | unique | sort) }}
{%- endmacro %}


{#- Days and the `reach` days before each of them: what figures that look back must read. -#}
{% macro and_days_before(days, reach) -%}
    {{ return(days_shifted(days, range(-reach, 1))) }}
{%- endmacro %}


{% macro rpc_days() -%}
    {{ return((var('rpc_partitions') or rebuild_days()) | unique | sort) }}
{%- endmacro %}


{#- Last UTC day that the run covers. -#}
{% macro covered_day() -%}
    {% set last = parse_instant(var('covered_until') or var('window_end')) - modules.datetime.timedelta(microseconds=1) %}
    {{ return(last.date().isoformat()) }}
{%- endmacro %}


{% macro shift_day(day, by) -%}
    {{ return((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(days=by)).isoformat()) }}
{%- endmacro %}


{#- ["date '2026-10-05'", ...]: literals for `partitions` of a model's config and for lists in SQL. -#}
{% macro date_literals(days) -%}
    {% set literals = [] %}
    {% for day in days %}{% do literals.append("date '" ~ day ~ "'") %}{% endfor %}
    {{ return(literals) }}
{%- endmacro %}


{#- Condition that cuts a partition column to constants; `days` in order. -#}
{% macro on_days(column, days) -%}
    {%- set spans = day_spans(days) -%}
    {%- if spans | length > 1 %}({% endif -%}
    {%- for span in spans %}
        {%- if not loop.first %} or {% endif -%}
        {{ column }} between date '{{ span[0] }}' and date '{{ span[-1] }}'
    {%- else -%}
        {{ column }} in ({{ date_literals(days) | join(', ') }})
    {%- endfor -%}
    {%- if spans | length > 1 %}){% endif -%}
{%- endmacro %}


{% macro timestamp_literal(instant) -%}
    timestamp '{{ instant.isoformat() | replace('+00:00', 'Z') }}'
{%- endmacro %}


{% macro covered_until() -%}
    {{ timestamp_literal(parse_instant(var('covered_until') or var('window_end'))) }}
{%- endmacro %}


{#- Before this instant every Logpush object has had time to arrive. -#}
{% macro logpush_due_until() -%}
    {%- set late = modules.datetime.timedelta(minutes=var('logpush')['late_minutes']) -%}
    {{ timestamp_literal(parse_instant(var('covered_until') or var('window_end')) - late) }}
{%- endmacro %}


{#- Before this instant everything has had time to arrive. -#}
{% macro settled_until() -%}
    {%- set lag = modules.datetime.timedelta(minutes=var('audit_allowed_lag_minutes')) -%}
    {{ timestamp_literal(parse_instant(var('covered_until') or var('window_end')) - lag) }}
{%- endmacro %}


{#-
Newest day that a table of running balances holds before the days to rebuild; the day before them when it holds none. Asked
while the model compiles, so that the SQL names that one partition as a constant. It is the day before, unless days were
skipped: then the skipped days are filled from it.
-#}
{% macro opening_day(relation, column, first_day) -%}
    {% if not execute or not is_incremental() or target.name == 'lint' %}
        {{ return(shift_day(first_day, -1)) }}
    {% endif %}
    {% set query -%}
        select cast(max({{ column }}) as string) as day from {{ relation }} where {{ column }} < date '{{ first_day }}'
    {%- endset %}
    {{ return(run_query(query).columns[0].values()[0] or shift_day(first_day, -1)) }}
{%- endmacro %}


{#-
Days of blocks whose pending transactions are judged again: those with new rows and the days before them (a transaction
is seen, and may become final, after midnight), those of newly loaded sightings, and those that still hold a pending
transaction. Asked while the model compiles, so that the SQL names the partitions as constants.
-#}
{% macro pending_days(relation, sightings) -%}
    {% set days = rebuild_days() | list %}
    {% for day in rebuild_days() %}{% do days.append(shift_day(day, -1)) %}{% endfor %}
    {% if execute and is_incremental() and target.name != 'lint' %}
        {% set query -%}
            select cast(date(coalesce(block_time, seen_at)) as string) as day
            from {{ sightings }}
            where {{ on_days('event_date', rebuild_days()) }}
            union distinct
            select cast(block_date as string) as day from {{ relation }} where state = 'pending'
        {%- endset %}
        {% set days = days + run_query(query).columns[0].values() | list %}
    {% endif %}
    {{ return(days | unique | sort) }}
{%- endmacro %}
