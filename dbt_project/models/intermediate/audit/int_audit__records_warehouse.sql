{{ config(materialized='view') }}

-- What the warehouse did itself: every attempt of a step, every object that was read again after it had been loaded (a
-- replay of its quarantine, say), every figure that was restated. What an attempt's message says is left out: it may
-- repeat what a source answered.
with loads as (
    select
        *,
        row_number() over (
            partition by uri
            order by noted_at, attempt_id
        ) as turn
    from {{ ref('stg_warehouse__object_attempts') }}
    where step = 'loaded' and uri is not null
)

select
    {{ audit_record({
        'stream': "'warehouse'",
        'source': "'warehouse'",
        'source_key': "concat('attempt|', attempt_id)",
        'recorded_at': 'ended_at',
        'event_date': 'date(ended_at)',
        'action': "concat('step_', step)",
        'amount': 'parse_numeric(cast(rows_loaded as string))',
        'unit': "'rows'",
        'decimals': '0',
        'detail': said({
            'outcome': 'outcome',
            'source': 'source',
            'from_us': 'cast(unix_micros(window_start) as string)',
            'to_us': 'cast(unix_micros(window_end) as string)',
            'objects': 'cast(objects as string)',
            'quarantined': 'cast(rows_quarantined as string)',
            'run': 'run_id',
        }),
    }) }}
from {{ ref('stg_warehouse__attempts') }}

union all

select
    {{ audit_record({
        'stream': "'warehouse'",
        'source': "'warehouse'",
        'source_key': "concat('reload|', uri, '|', attempt_id, '|', cast(unix_micros(noted_at) as string))",
        'recorded_at': 'noted_at',
        'event_date': 'date(noted_at)',
        'action': "'object_reloaded'",
        'detail': said({'outcome': 'outcome', 'source': 'source', 'dataset': 'dataset'}),
    }) }}
from loads
where turn > 1

union all

select
    {{ audit_record({
        'stream': "'warehouse'",
        'source': "'warehouse'",
        'source_key': "concat(
            'restatement|', mart, '|', cast(unix_micros(known_at) as string), '|', to_hex(sha256(figure_key))
        )",
        'recorded_at': 'known_at',
        'event_date': 'date(known_at)',
        'action': "'figure_restated'",
        'detail': said({
            'mart': 'mart',
            'day': 'cast(period_date as string)',
            'cause': 'cause',
            'run': 'run_id',
            'figures_sha256': "coalesce(to_hex(sha256(figures)), 'gone')",
            'key': 'figure_key',
        }),
    }) }}
from {{ ref('stg_warehouse__figures') }}
where cause <> 'first'
