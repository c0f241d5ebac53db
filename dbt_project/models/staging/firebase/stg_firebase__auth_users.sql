-- An export may be delivered twice; the later delivery wins.
select
    uid,
    exported_at,
    created_at,
    last_signed_in_at,
    email_verified as is_email_verified,
    disabled as is_disabled,
    providers,
    mfa_factors,
    _object_uri as object_uri,
    _line as line_number,
    _event_date as event_date,
    _landed_at as landed_at
from {{ source('raw', 'firebase_auth_users') }}
where {{ of_current_objects() }}
qualify row_number() over (
    partition by uid, exported_at, _event_date
    order by _landed_at desc, _object_uri desc, _line desc
) = 1
