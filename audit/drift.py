"""Where a vault's balance and its decoded events parted: found by bisection, from a few partitions.

The marts find the same slot from the differences that each day leaves behind (int_escrow__balance_steps). This is the
second way, for a person who doesn't trust the first: it reads balances at the ends of a logarithmic number of days,
and then one day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from google.cloud import bigquery


@dataclass(frozen=True)
class Divergence:
    """The first slot after which chain and events differ: `amount` is chain minus events, in base units."""

    day: date
    slot: int
    block_time: datetime
    amount: int
    signatures: tuple[str, ...]
    days_read: int


def first_divergence(differs: Callable[[int], bool], newest: int, oldest: int) -> int | None:
    """The first number of the stretch up to `newest` in which `differs` holds; None when it doesn't hold at `newest`.

    Goes back in doubling steps to the nearest number that agrees, then halves: about 2 log2(age) questions. Before
    `oldest` all agree. Between two looks the stretch is taken to be unbroken; where it healed and parted again unseen,
    a beginning is found that isn't the last one.
    """
    if not differs(newest):
        return None
    step, differing = 1, newest
    while True:
        back = newest - step
        if back < oldest:
            agreeing = oldest - 1
            break
        if not differs(back):
            agreeing = back
            break
        differing, step = back, step * 2
    span = range(agreeing + 1, differing)
    return span.start + bisect_left(span, True, key=differs)


def locate(client: bigquery.Client, vault: str, newest: date) -> Divergence | None:
    """Where chain and events of a vault parted, seen from the end of the day `newest`; None when they agree there."""
    read: dict[int, int] = {}

    def differs(number: int) -> bool:
        if number not in read:
            read[number] = _closing_difference(client, vault, date.fromordinal(number))
        return read[number] != 0

    oldest = _oldest_day(client)
    if oldest is None:
        return None
    found = first_divergence(differs, newest.toordinal(), oldest.toordinal())
    if found is None:
        return None
    return _within(client, vault, date.fromordinal(found), len(read))


def _closing_difference(client: bigquery.Client, vault: str, day: date) -> int:
    return _number(
        client,
        """
        select
            ifnull((
                select array_agg(balance order by slot desc limit 1)[offset(0)]
                from intermediate.int_escrow__vault_balances where balance_date = @day and vault = @vault
            ), 0) - ifnull((
                select sum(closing_balance) from intermediate.int_escrow__balances_daily
                where balance_date = @day and vault = @vault
            ), 0) as value
        """,
        vault,
        day,
    )


def _oldest_day(client: bigquery.Client) -> date | None:
    """The first partition that holds balances, from the tables' metadata."""
    rows = client.query(
        "select min(partition_id) as day from intermediate.INFORMATION_SCHEMA.PARTITIONS "
        "where table_name in ('int_escrow__vault_balances', 'int_escrow__balances_daily') "
        "and regexp_contains(partition_id, '^[0-9]{8}$')"
    ).result()
    text = next(iter(rows))["day"]
    return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}") if text else None


def _within(client: bigquery.Client, vault: str, day: date, days_read: int) -> Divergence:
    opening = _closing_difference(client, vault, day - timedelta(days=1))
    rows = list(
        client.query(
            """
            with chain as (
                select slot, max(block_time) as block_time, max(balance) as balance, 
                    logical_or(is_carried) as is_carried
                from intermediate.int_escrow__vault_balances where balance_date = @day and vault = @vault
                group by slot
            ),
            events as (
                select slot, max(block_time) as block_time, sum(amount) as amount
                from intermediate.int_escrow__postings where block_date = @day and vault = @vault and in_vault
                group by slot
            )
            select
                ifnull(chain.slot, events.slot) as slot,
                ifnull(chain.block_time, events.block_time) as block_time,
                ifnull(chain.is_carried, false) as is_carried,
                chain.balance,
                ifnull(events.amount, 0) as amount
            from chain full outer join events on chain.slot = events.slot
            order by slot
            """,
            job_config=_parameters(vault, day),
        ).result()
    )
    differences, balance, carried = [], None, opening
    events = 0
    for row in rows:
        balance = int(row["balance"]) if row["balance"] is not None else balance
        if row["is_carried"]:
            carried = opening - (balance or 0)  # minus the events that came before this day
            differences.append(opening)
            continue
        events += int(row["amount"])
        differences.append((balance or 0) + carried - events)
    last_agreed = max((n for n, value in enumerate(differences) if value == 0), default=-1)
    first = rows[last_agreed + 1]
    return Divergence(
        day, first["slot"], first["block_time"], differences[last_agreed + 1],
        _signatures(client, vault, day, first["slot"]), days_read,
    )  # fmt: skip


def _signatures(client: bigquery.Client, vault: str, day: date, slot: int) -> tuple[str, ...]:
    rows = client.query(
        "select distinct signature from staging.stg_solana__token_balances "
        "where event_date = @day and account = @vault and slot = @slot and is_success "
        "union distinct select distinct signature from intermediate.int_escrow__postings "
        "where block_date = @day and vault = @vault and slot = @slot order by signature",
        job_config=_parameters(vault, day, bigquery.ScalarQueryParameter("slot", "INT64", slot)),
    ).result()
    return tuple(row["signature"] for row in rows)


def _number(client: bigquery.Client, sql: str, vault: str, day: date) -> int:
    return int(next(iter(client.query(sql, job_config=_parameters(vault, day)).result()))["value"])


def _parameters(vault: str, day: date, *more: bigquery.ScalarQueryParameter) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("vault", "STRING", vault),
            bigquery.ScalarQueryParameter("day", "DATE", day),
            *more,
        ]
    )
