{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'point_date', 'data_type': 'date'},
    cluster_by=['dataset', 'figure'],
) }}
{{ states_partitions(rebuild_days()) }}

-- Figures of Workers Analytics Engine per hour and combination of labels. The API keeps a sample of busy indexes; each
-- point counts for as many as it stands for. A mean is value_sum / points.
{%- set figures = [] %}
{%- for dataset, columns in var('analytics_engine').items() %}
    {%- set labels = [] %}
    {%- for column, name in columns.items() if not column.startswith('double') %}
        {%- do labels.append("'" ~ name ~ "=', coalesce(" ~ column ~ ", '')") %}
    {%- endfor %}
    {%- for column, name in columns.items() if column.startswith('double') %}
        {%- do figures.append((dataset, column, name, labels)) %}
    {%- else %}
        {%- do figures.append((dataset, 'numeric \'0\'', 'points', labels)) %}
    {%- endfor %}
{%- endfor %}
with figures as (
    {% for dataset, column, name, labels in figures -%}
        select
            event_date,
            hour_start,
            dataset,
            {{ "concat(" ~ labels | join(", ', ', ") ~ ")" if labels else "''" }} as labels,
            '{{ name }}' as figure,
            sample_interval,
            {{ column }} as figure_value
        from {{ ref('stg_cloudflare__analytics_points') }}
        where
            dataset = '{{ dataset }}' and event_date is not null
            {% if is_incremental() %}
                and {{ on_days('event_date', rebuild_days()) }}
            {% endif %}
        {{ 'union all' if not loop.last }}
    {% else -%}
        select
            event_date,
            hour_start,
            dataset,
            '' as labels,
            '' as figure,
            sample_interval,
            double1 as figure_value
        from {{ ref('stg_cloudflare__analytics_points') }}
        where false
    {% endfor %}
)

select
    event_date as point_date,
    hour_start,
    dataset,
    labels,
    figure,
    count(*) as sampled_points,
    {{ whole('sum(sample_interval)') }} as points,
    coalesce(sum(sample_interval * figure_value), numeric '0') as value_sum,
    min(figure_value) as value_min,
    max(figure_value) as value_max
from figures
where figure_value is not null
group by event_date, hour_start, dataset, labels, figure
