{%- set days = document_days(this) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'state_date', 'data_type': 'date'},
    cluster_by=['user_id'],
) }}
{{ states_partitions(days) }}
{%- set opening = opening_day(this, 'state_date', days[0]) %}

-- What is known of each user on each UTC day: the state the day opened with, then each change of the user's document.
-- The last one closes the day and opens the next, so the cost is that of the days to build, not of the history. An
-- import, which has no time, opens the first day that the changes tell of, or the day the user was created, if later.
with changes as (
    select
        document_id as user_id,
        operation,
        changed_at,
        event_date,
        {{ change_rank() }} as change_rank,
        {{ document_text('users', 'wallet') }} as wallet,
        safe_cast({{ document_text('users', 'kyc_tier') }} as int64) as kyc_tier,
        coalesce({{ document_text('users', 'frozen') }} = 'true', false) as is_frozen,
        date({{ document_time('users', 'created_at') }}) as created_date,
        min(if(operation = 'IMPORT', null, event_date)) over (partition by document_id) as first_change_date
    from {{ ref('stg_firestore__changes') }}
    where
        {{ is_document('users') }}
        {% if is_incremental() %}
            and {{ on_days('event_date', [import_day()] + days) }}
        {% endif %}
),

{% if is_incremental() %}
    held as (
        select *
        from {{ this }}
        where state_date = date '{{ opening }}' and is_closing and not is_deleted
    ),
{% endif %}

first_day as (
    select
        coalesce(
            {% if is_incremental() %} (select max(held.state_date) from held), {% endif %}
            min(changes.event_date),
            date '{{ days[0] }}'
        ) as first_date
    from changes
    where changes.operation <> 'IMPORT'
),

versions as (
    select
        changes.user_id,
        changes.operation,
        if(
            changes.operation = 'IMPORT',
            greatest(
                coalesce(
                    least(changes.created_date, changes.first_change_date), changes.created_date, first_day.first_date
                ),
                first_day.first_date
            ),
            changes.event_date
        ) as version_date,
        changes.changed_at,
        changes.change_rank,
        changes.wallet,
        changes.kyc_tier,
        changes.is_frozen,
        changes.operation = 'DELETE' as is_deleted,
        if(
            changes.operation = 'IMPORT', coalesce(changes.created_date, first_day.first_date), changes.event_date
        ) as joined_date
    from changes
    cross join first_day
    {% if is_incremental() %}
        -- Who was imported is held, but for users who were created later than what is held.
        where
            changes.operation <> 'IMPORT'
            or not exists (select 1 from held)
            or (changes.created_date > date '{{ opening }}' and changes.user_id not in (select held.user_id from held))

        union all

        select
            user_id,
            'HELD' as operation,
            state_date as version_date,
            changed_at,
            '' as change_rank,
            wallet,
            kyc_tier,
            is_frozen,
            false as is_deleted,
            joined_date
        from held
    {% endif %}
),

placed as (
    select
        *,
        row_number() over (
            partition by user_id
            order by if(operation = 'HELD', 0, 1), changed_at, change_rank
        ) as version
    from versions
),

-- A user whose document comes back after its deletion is a new one.
lives as (
    select
        *,
        coalesce(sum(if(is_deleted, 1, 0)) over (
            partition by user_id
            order by version
            rows between unbounded preceding and 1 preceding
        ), 0) as life
    from placed
),

followed as (
    select
        * except (joined_date),
        first_value(joined_date) over (partition by user_id, life order by version) as joined_date,
        is_frozen
        and operation <> 'IMPORT'
        and not coalesce(lag(is_frozen) over (partition by user_id, life order by version), false) as became_frozen,
        lead(version_date) over (partition by user_id order by version) as next_date,
        row_number() over (partition by user_id, version_date order by version) as place_of_day
    from lives
),

spans as (
    select
        followed.*,
        coalesce(followed.next_date > followed.version_date, true) as closes_its_day,
        case
            when followed.next_date <= followed.version_date or followed.is_deleted then followed.version_date
            else coalesce(followed.next_date, date '{{ days[-1] }}')
        end as until_date
    from followed
)

select
    day as state_date,
    spans.user_id,
    if(day = spans.version_date, spans.place_of_day, 0) as place,
    if(
        day = spans.version_date and spans.operation <> 'IMPORT', spans.changed_at, timestamp(day)
    ) as valid_from,
    spans.wallet,
    spans.kyc_tier,
    spans.is_frozen,
    spans.is_deleted,
    spans.joined_date,
    day = spans.version_date and spans.became_frozen as became_frozen,
    spans.closes_its_day and coalesce(day < spans.next_date, true) as is_closing,
    spans.changed_at
from spans
cross join unnest(generate_date_array(spans.version_date, spans.until_date)) as day
where
    day <= date '{{ days[-1] }}'  -- an import tells of users who are created later: their day places them
    {% if is_incremental() %}
        and day > date '{{ opening }}'
    {% endif %}
