{%- set days = presence_days(ref('stg_firestore__changes')) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'until_date', 'data_type': 'date'},
    cluster_by=['collection'],
) }}
{{ states_partitions(days + [open_end()]) }}
{%- set in_order = 'partition by document_name, collection order by is_change, changed_at, change_rank' %}

-- From when to when each document was there, as the change tracker tells it; and, named as the database, since when it
-- has told of a collection. Partitioned by the day of the end: what was there at an instant is in the partitions from
-- that day on, so the cost is that of the documents there are, not of all changes they ever had. What reached into the
-- rebuilt days is taken up; of that, what has changed is followed again, in the order of int_firestore__history.
with told as (
    select
        document_name,
        collection,
        changed_at,
        operation <> 'IMPORT' as is_change,
        {{ change_rank() }} as change_rank,
        operation = 'DELETE' as is_deleted
    from {{ ref('stg_firestore__changes') }}
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', days) }}
        {% endif %}
),

changes as (
    select *
    from told

    union all

    select
        {{ database_root('document_name') }} as document_name,
        collection,
        min(changed_at) as changed_at,
        true as is_change,
        '' as change_rank,
        false as is_deleted
    from told
    where {{ database_root('document_name') }} is not null
    group by 1, 2
),

{% if is_incremental() %}
    changed as (
        select distinct
            document_name,
            collection
        from changes
    ),

    held as (
        select
            held.document_name,
            held.collection,
            held.valid_from,
            changed.document_name is not null as is_changed
        from {{ this }} as held
        left join changed on held.document_name = changed.document_name and held.collection = changed.collection
        where held.until_date >= date '{{ days[0] }}' and held.valid_from < timestamp '{{ days[0] }}T00:00:00Z'
    ),
{% endif %}

followed as (
    select *
    from changes
    {% if is_incremental() %}

        union all

        select
            document_name,
            collection,
            valid_from as changed_at,
            false as is_change,
            '' as change_rank,
            false as is_deleted
        from held
        where is_changed
    {% endif %}
),

versions as (
    select
        *,
        coalesce(lag(is_deleted) over ({{ in_order }}), true) as was_deleted
    from followed
),

-- A change of a document that was there and stays is no turn.
turns as (
    select
        document_name,
        collection,
        changed_at as valid_from,
        lead(changed_at) over ({{ in_order }}) as valid_to,
        is_deleted
    from versions
    where is_deleted <> was_deleted
)

select
    document_name,
    collection,
    valid_from,
    valid_to,
    coalesce(date(valid_to), date '{{ open_end() }}') as until_date
from turns
where not is_deleted and (valid_to is null or valid_from < valid_to)
{% if is_incremental() %}

    union all

    select
        document_name,
        collection,
        valid_from,
        cast(null as timestamp) as valid_to,
        date '{{ open_end() }}' as until_date
    from held
    where not is_changed
{% endif %}
