{#-
Each transaction three times, once a scope: under all of them, under its program, under its instruction. A figure is
taken from the rows of one scope, and percentiles of the whole are there without adding up what doesn't add up.
-#}
{% macro scoped_transactions(bucket) -%}
    select
        event_date as transaction_date,
        {{ bucket }} as bucket_start,
        scope,
        if(scope = 'all', '(all)', coalesce(program_id, '(none)')) as program_id,
        if(scope = 'instruction', coalesce(instruction, '(unknown)'), '(all)') as instruction,
        signature,
        slot,
        block_time,
        is_success,
        fee_lamports,
        compute_units
    from {{ ref('stg_solana__transactions') }}
    cross join unnest(['all', 'program', 'instruction']) as scope
    where
        event_date is not null
        {% if is_incremental() %}
            and {{ on_days('event_date', rebuild_days()) }}
        {% endif %}
{%- endmacro %}


{#-
M1 and M2 an hour or a day at a time: the body of chain_transactions_hourly and _daily. A row's own figures come from
its day's transactions alone; what looks back over other days (24 hours, 30 days) is worked out from rows of this table,
so late transactions cost their own days once more and a few sums, not a month of transactions.
-#}
{% macro chain_transactions(bucket, bucket_name, with_rolling_day=false) -%}
    {%- set key = 'scope, program_id, instruction' -%}
    {%- set row_key = 'transaction_date, bucket_start, ' ~ key -%}
    {%- set days = looking_back_days(30) -%}
    {%- set kept = [] -%}
    {%- for day in and_days_before(days, 30) if day not in rebuild_days() -%}{%- do kept.append(day) -%}{%- endfor -%}

    with transactions as (
        {{ scoped_transactions(bucket) }}
    ),

    placed as (
        select
            *,
            row_number() over (partition by {{ row_key }} order by fee_lamports nulls last, signature) as fee_place,
            count(fee_lamports) over (partition by {{ row_key }}) as fee_total,
            row_number() over (partition by {{ row_key }} order by compute_units nulls last, signature) as units_place,
            count(compute_units) over (partition by {{ row_key }}) as units_total
        from transactions
    ),

    fresh as (
        select
            {{ row_key }},
            count(*) as transactions,
            {{ count_where('not is_success') }} as failures,
            sum(fee_lamports) as fee_lamports_total,
            count(fee_lamports) as fee_count,
            min(fee_lamports) as fee_lamports_min,
            {{ percentile('fee_lamports', 50, 'fee_place', 'fee_total') }} as fee_lamports_p50,
            {{ percentile('fee_lamports', 95, 'fee_place', 'fee_total') }} as fee_lamports_p95,
            {{ percentile('fee_lamports', 99, 'fee_place', 'fee_total') }} as fee_lamports_p99,
            max(fee_lamports) as fee_lamports_max,
            {{ whole('sum(compute_units)') }} as compute_units_total,
            count(compute_units) as compute_units_count,
            min(compute_units) as compute_units_min,
            {{ percentile('compute_units', 50, 'units_place', 'units_total') }} as compute_units_p50,
            {{ percentile('compute_units', 95, 'units_place', 'units_total') }} as compute_units_p95,
            {{ percentile('compute_units', 99, 'units_place', 'units_total') }} as compute_units_p99,
            max(compute_units) as compute_units_max,
            max(slot) as as_of_slot,
            max(block_time) as as_of_time
        from placed
        group by {{ row_key }}
    ),

    figures as (
        select * from fresh
        {% if is_incremental() %}
            union all
            select
                transaction_date,
                {{ bucket_name }} as bucket_start,
                {{ key }},
                transactions,
                failures,
                fee_lamports_total,
                mean_fee_denominator as fee_count,
                fee_lamports_min,
                fee_lamports_p50,
                fee_lamports_p95,
                fee_lamports_p99,
                fee_lamports_max,
                compute_units_total,
                mean_compute_units_denominator as compute_units_count,
                compute_units_min,
                compute_units_p50,
                compute_units_p95,
                compute_units_p99,
                compute_units_max,
                as_of_slot,
                as_of_time
            from {{ this }}
            where {{ on_days('transaction_date', kept) }}
        {% endif %}
    ),

    by_day as (
        select
            transaction_date,
            {{ key }},
            sum(fee_lamports_total) as fee_lamports_total,
            sum(fee_count) as fee_count
        from figures
        group by transaction_date, {{ key }}
    ),

    baselines as (
        select
            transaction_date,
            {{ key }},
            sum(fee_lamports_total) over thirty_days as baseline_fee_numerator,
            {{ whole('sum(fee_count) over thirty_days') }} as baseline_fee_denominator,
            count(*) over thirty_days as baseline_days
        from by_day
        window
            thirty_days as (
                partition by {{ key }}
                order by unix_date(transaction_date)
                range between 30 preceding and 1 preceding
            )
    ){% if with_rolling_day %},

    rolling as (
        select
            *,
            {{ whole('sum(transactions) over day_back') }} as transactions_24h,
            {{ whole('sum(failures) over day_back') }} as failures_24h
        from figures
        window
            day_back as (
                partition by {{ key }}
                order by div(unix_seconds(bucket_start), 3600)
                range between 23 preceding and current row
            )
    ){% endif %}

    select
        figures.transaction_date,
        {% if bucket_name != 'transaction_date' %}figures.bucket_start as {{ bucket_name }},{% endif %}
        figures.scope,
        figures.program_id,
        figures.instruction,
        figures.transactions,
        figures.failures,
        figures.transactions - figures.failures as success_rate_numerator,
        figures.transactions as success_rate_denominator,
        {% if with_rolling_day %}
            figures.transactions_24h,
            figures.failures_24h,
        {% endif %}
        figures.fee_lamports_total,
        figures.fee_lamports_min,
        figures.fee_lamports_p50,
        figures.fee_lamports_p95,
        figures.fee_lamports_p99,
        figures.fee_lamports_max,
        figures.fee_lamports_total as mean_fee_numerator,
        figures.fee_count as mean_fee_denominator,
        baselines.baseline_fee_numerator,
        baselines.baseline_fee_denominator,
        baselines.baseline_days,
        figures.compute_units_total,
        figures.compute_units_min,
        figures.compute_units_p50,
        figures.compute_units_p95,
        figures.compute_units_p99,
        figures.compute_units_max,
        figures.compute_units_total as mean_compute_units_numerator,
        figures.compute_units_count as mean_compute_units_denominator,
        figures.as_of_slot,
        figures.as_of_time
    from {{ 'rolling' if with_rolling_day else 'figures' }} as figures
    inner join baselines
        on
            figures.transaction_date = baselines.transaction_date
            and figures.scope = baselines.scope
            and figures.program_id = baselines.program_id
            and figures.instruction = baselines.instruction
    {% if is_incremental() %}
        where {{ on_days('figures.transaction_date', days) }}
    {% endif %}
{%- endmacro %}
