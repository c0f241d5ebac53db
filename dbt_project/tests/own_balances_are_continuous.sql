{%- set days = balance_days() -%}
{%- set read = days_between(shift_day(days[0], -1), days[-1]) %}
-- Rows: balances of own accounts that have no partner in their slot. Several transactions of a slot have no order here,
-- so the identity is that of sets, with multiplicity: the closing of the slot before and what the slot's transactions
-- leave behind, against what they start from and the slot's own closing. It is judged from the first slot on in which a
-- single transaction states the closing, on the days of the run and the day before.
with balances as (
    select
        'token' as kind,
        account,
        mint,
        slot,
        coalesce(pre_amount, 0) as pre_amount,
        coalesce(post_amount, 0) as post_amount
    from {{ ref('stg_solana__token_balances') }}
    where account_kind <> 'other' and {{ on_days('event_date', read) }}

    union all

    select
        'native' as kind,
        account,
        'lamports' as mint,
        slot,
        coalesce(pre_lamports, 0) as pre_amount,
        coalesce(post_lamports, 0) as post_amount
    from {{ ref('stg_solana__native_balances') }}
    where {{ on_days('event_date', read) }}
),

slots as (
    select
        kind,
        account,
        mint,
        slot,
        if(count(*) = 1, max(post_amount), null) as stated_closing,
        sum(post_amount - pre_amount) as change
    from balances
    group by kind, account, mint, slot
),

stretches as (
    select
        *,
        count(stated_closing) over (
            partition by kind, account, mint
            order by slot
            rows between unbounded preceding and current row
        ) as stretch
    from slots
),

closings as (
    select
        kind,
        account,
        mint,
        slot,
        sum(coalesce(stated_closing, change)) over (
            partition by kind, account, mint, stretch
            order by slot
            rows between unbounded preceding and current row
        ) as closing
    from stretches
    where stretch > 0
),

steps as (
    select
        *,
        lag(closing) over (partition by kind, account, mint order by slot) as opening,
        lag(slot) over (partition by kind, account, mint order by slot) as slot_before
    from closings
),

judged as (
    select *
    from steps
    where opening is not null
),

-- What a slot holds before anything moves and what its transactions leave behind (1); what they start from and what it
-- closes with (-1).
sides as (
    select
        *,
        opening as amount,
        1 as side
    from judged

    union all

    select
        *,
        closing as amount,
        -1 as side
    from judged

    {% for column, side in [('post_amount', 1), ('pre_amount', -1)] %}
        union all

        select
            judged.*,
            balances.{{ column }} as amount,
            {{ side }} as side
        from judged
        inner join balances
            on
                judged.kind = balances.kind
                and judged.account = balances.account
                and judged.mint = balances.mint
                and judged.slot = balances.slot
    {% endfor %}
)

select
    kind,
    account,
    mint,
    slot_before,
    slot,
    amount,
    sum(side) as surplus
from sides
group by kind, account, mint, slot_before, slot, amount
having sum(side) <> 0
