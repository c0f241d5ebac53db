{%- set days = balance_days() -%}

-- Every registered user is in exactly one KYC tier at the end of each day.
with tiers as (
    select
        state_date,
        sum(users) as users
    from {{ ref('compliance_daily') }}
    where {{ on_days('state_date', days) }}
    group by state_date
)

select
    people.activity_date,
    people.registered_users,
    tiers.users as users_in_tiers
from {{ ref('users_daily') }} as people
left join tiers on people.activity_date = tiers.state_date
where
    {{ on_days('people.activity_date', days) }}
    and people.registered_users <> coalesce(tiers.users, 0)
