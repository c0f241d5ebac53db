{%- set days = document_days(ref('int_users__states')) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'state_date', 'data_type': 'date'},
) }}
{{ states_partitions(days) }}

-- M22: users per KYC tier at the end of the UTC day. A user belongs to the tier that closes the day, also where frozen
-- in an earlier one; a user who is deleted on the day counts only as frozen, in the tier of the day's last state.
with users as (
    select
        state_date,
        user_id,
        max(if(is_closing and not is_deleted, 1, 0)) = 1 as is_there,
        max(if(is_closing and not is_deleted and is_frozen, 1, 0)) = 1 as is_frozen,
        max(if(became_frozen, 1, 0)) = 1 as became_frozen,
        max(if(is_closing, kyc_tier, null)) as kyc_tier,
        max(changed_at) as changed_at
    from {{ ref('int_users__states') }}
    {% if is_incremental() %}
        where {{ on_days('state_date', days) }}
    {% endif %}
    group by state_date, user_id
)

select
    state_date,
    {{ tier_name('kyc_tier') }} as kyc_tier,
    {{ count_where('is_there') }} as users,
    {{ count_where('is_frozen') }} as frozen_users,
    {{ count_where('became_frozen') }} as newly_frozen_users,
    max(changed_at) as as_of_time
from users
where is_there or became_frozen
group by state_date, {{ tier_name('kyc_tier') }}
