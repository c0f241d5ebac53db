{#-
Reconciliation: findings that are kept with their history, and what people decided of them. Both stand in the `audit`
dataset, which no model writes; a warehouse that has none yet (no build has ended there) has no findings and no decisions.
-#}

{#- The source's table, or a relation of its columns without rows where it doesn't exist. -#}
{% macro audit_table(name, columns) -%}
    {%- set table = source('audit', name) -%}
    {%- set held = adapter.get_relation(table.database, table.schema, table.identifier) if execute and target.name != 'lint' -%}
    {%- if held -%}
        {{ table }}
    {%- else -%}
        (
            select
            {%- for column, kind in columns.items() %}
                cast(null as {{ kind }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
            from unnest(array<int64>[]) as nothing
        )
    {%- endif -%}
{%- endmacro %}


{#-
Where each finding of an area stands: its newest row in the log, when it was opened and closed, and the newest decision.
What a person closed stays closed while its amount is what it was when it was closed; one that changes opens again.
-#}
{% macro finding_states(area) -%}
    with changes as (
        select
            *,
            row_number() over (partition by finding_id order by as_of desc, log_number desc) as newest,
            min(as_of) over (partition by finding_id) as first_found_at
        from {{ ref('stg_audit__findings') }}
        where area = '{{ area }}'
    ),

    decisions as (
        select *
        from {{ ref('stg_audit__decisions') }}
        qualify row_number() over (partition by finding_id order by decided_at desc, decision_id) = 1
    ),

    built as (
        select max(window_end) as known_until
        from {{ ref('stg_warehouse__attempts') }}
        where step = 'transform' and outcome = 'ok'
    ),

    states as (
        select
            changes.* except (newest, log_number),
            coalesce(built.known_until, changes.as_of) as known_until,
            decisions.reason_code,
            decisions.note,
            decisions.decided_by,
            decisions.decided_at,
            case
                when changes.change = 'closed' then 'closed'
                when decisions.decision is null then 'open'
                when coalesce(decisions.amount, numeric '0') <> coalesce(changes.amount, numeric '0') then 'open'
                when decisions.decision = 'close' then 'closed'
                else 'explained'
            end as state,
            if(changes.change = 'closed', changes.as_of, null) as gone_at
        from changes
        cross join built
        left join decisions on changes.finding_id = decisions.finding_id
        where changes.newest = 1
    )
{%- endmacro %}


{#- Why a finding is no longer open, and who said so: the data themselves, or a person by role. -#}
{% macro finding_reason() -%}
    case when state <> 'open' then coalesce(if(gone_at is not null, 'agrees_again', null), reason_code) end
{%- endmacro %}

{% macro finding_by() -%}
    case when state <> 'open' then if(gone_at is not null, 'warehouse', decided_by) end
{%- endmacro %}

{% macro finding_closed_at() -%}
    case when state = 'closed' then coalesce(gone_at, decided_at) end
{%- endmacro %}

{#- Whole hours from the finding's own time to its end, or to the instant that a build has covered the data up to. -#}
{% macro finding_age_hours() -%}
    cast(div(timestamp_diff(coalesce(gone_at, known_until), opened_at, second), 3600) as int64)
{%- endmacro %}


{#-
Days whose bookings are compared again: those of the run with their neighbours, and those of the entries that it changed.
A deletion says no longer which transaction it was of: only then are the entry's earlier changes looked for, in all days.
-#}
{% macro booking_days() -%}
    {% set days = rebuild_days() | list %}
    {% if execute and is_incremental() and target.name != 'lint' %}
        {% set touched -%}
            select distinct cast(date(coalesce(entry_at, changed_at)) as string) as day
            from {{ ref('int_escrow__offchain_entries') }}
            where not is_deleted and {{ on_days('date(changed_at)', rebuild_days()) }}
        {%- endset %}
        {% set days = days + run_query(touched).columns[0].values() | list %}
        {% set deleted -%}
            select count(*) as entries
            from {{ ref('int_escrow__offchain_entries') }}
            where is_deleted and {{ on_days('date(changed_at)', rebuild_days()) }}
        {%- endset %}
        {% if run_query(deleted).columns[0].values()[0] %}
            {% set before -%}
                select distinct cast(date(coalesce({{ document_time('ledger', 'at') }}, changed_at)) as string) as day
                from {{ ref('stg_firestore__changes') }}
                where {{ is_document('ledger') }} and operation <> 'DELETE' and document_id in (
                    select entry_id from {{ ref('int_escrow__offchain_entries') }}
                    where is_deleted and {{ on_days('date(changed_at)', rebuild_days()) }}
                )
            {%- endset %}
            {% set days = days + run_query(before).columns[0].values() | list %}
        {% endif %}
    {% endif %}
    {{ return(with_neighbours(days | unique | sort)) }}
{%- endmacro %}


{#- Query: the vaults that are reconciled, one a mint where an entry of the platform's ledger names none. -#}
{% macro own_vaults() -%}
    {%- set of_mint = {} -%}
    {%- for vault in var('vaults') -%}{%- do of_mint.setdefault(vault['mint'], vault['address']) -%}{%- endfor -%}
    {%- for mint, address in of_mint.items() %}
        select
            '{{ mint }}' as mint,
            '{{ address }}' as vault
        {% if not loop.last %}union all{% endif %}
    {%- else %}
        select
            '' as mint,
            '' as vault
        from unnest(array<int64>[]) as nothing
    {%- endfor %}
{%- endmacro %}


{#- Query: Stripe objects that rows in the partitions of the run tell of. -#}
{% macro touched_items() -%}
    {%- set sides = [
        ('stg_platform__audit_events', 'stripe_id'), ('stg_stripe__charges', 'charge_id'),
        ('stg_stripe__refunds', 'refund_id'), ('stg_stripe__disputes', 'dispute_id'),
        ('stg_stripe__payouts', 'payout_id'), ('stg_stripe__balance_transactions', 'source_id'),
    ] -%}
    {%- for model, column in sides %}
        select {{ column }} as stripe_id
        from {{ ref(model) }}
        where {{ column }} is not null and {{ on_days('event_date', rebuild_days()) }}
        {% if not loop.last %}union distinct{% endif %}
    {%- endfor %}
{%- endmacro %}


{#- Condition: the side's rows that the run makes its items anew from. -#}
{% macro of_touched_items(column, days) -%}
    {{ column }} is not null and event_date is not null
    {%- if is_incremental() %} and {{ on_days('event_date', days) }} and {{ column }} in ({{ touched_items() }}){% endif %}
{%- endmacro %}


{#- The same booking in two relations, by all that names it; an entry may lie on the other side of midnight, so not by day. -#}
{% macro same_booking(left, right) -%}
    {{ left }}.signature = {{ right }}.signature
    and {{ left }}.kind = {{ right }}.kind
    and {{ left }}.match_id = {{ right }}.match_id
    and {{ left }}.mint = {{ right }}.mint
{%- endmacro %}
