"""Closed UTC days are sealed: each stream's records of a day become a tree, and its root a row of audit.seals.

The trees are computed in SQL in scratch tables; Python computes the root of each that isn't too large once more, from
the hashes alone. One transaction then adds leaves, nodes and seals. It does so only where the log of seals still has
the size that the work began from, so of two processes one adds nothing and looks again; killed before the commit, a
run leaves nothing but scratch tables that expire, and the next one comes to the same seals.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from audit import merkle
from audit.anchors import seal_hash
from audit.tables import ensure_tables
from audit.tree_sql import LEVELS, roots_sql, tree_script
from audit.unsealed import Batch, State, dates, next_batch, read_state
from expectations.table import typed, unnested
from warehouse.config import Config
from warehouse.window import Window, format_instant

FIRST = "0" * 64
"""prev_seal of a stream's first seal."""
LOCK = "audit.sealing"
"""One row, which every transaction that seals updates: BigQuery lets inserts alone pass one another."""
_CONFLICT = ("concurrent update", "aborted", "conflict")
_SEAL_TYPES = {
    "seal_no": "INT64",
    "seal_day": "DATE",
    "stream": "STRING",
    "records": "INT64",
    "late_records": "INT64",
    "root": "STRING",
    "prev_seal": "STRING",
    "seal_hash": "STRING",
    "sealed_at": "TIMESTAMP",
    "run_id": "STRING",
}


class SealDisagreement(RuntimeError):
    """SQL and Python come to different roots, or SQL to none; nothing was written."""


@dataclass(frozen=True)
class Sealed:
    """What a run added: its seals (columns of audit.seals, days as text), in order of seal_no."""

    seals: tuple[Mapping[str, Any], ...]

    @property
    def records(self) -> int:
        """Records in them."""
        return sum(seal["records"] for seal in self.seals)


@dataclass(frozen=True)
class _Tree:
    records: int
    late_records: int
    root: str


def seal_window(config: Config, client: bigquery.Client, window: Window, run_id: str) -> Sealed:
    """Seal every UTC day that ends by the window's end and isn't sealed yet, from each stream's first day on.

    A day without records of a stream that has a day before it gets a seal too. Raises SealDisagreement.
    """
    ensure_tables(client)
    client.create_dataset(bigquery.Dataset(f"{client.project}.scratch"), exists_ok=True)
    client.query(f"create table if not exists {LOCK} as select 0 as ticket").result()
    last_day = window.end.astimezone(UTC).date() - timedelta(days=1)
    _record_newest(client, window, run_id)  # a run may have been killed between its commit and its record
    added: list[Mapping[str, Any]] = []
    while True:
        state = read_state(client)
        batch = next_batch(client, state, last_day)
        if batch is None:
            return Sealed(tuple(added))
        seals = _seal_batch(config, client, state, batch, run_id)
        if seals:
            added += seals
            _record_newest(client, window, run_id)


def _seal_batch(
    config: Config, client: bigquery.Client, state: State, batch: Batch, run_id: str
) -> list[Mapping[str, Any]]:
    """Add the batch's seals; returns them, or nothing where another process was first."""
    sealed_at = datetime.now(UTC)  # a fact about the seal: before the records were read
    scratch = f"scratch.seal_{uuid.uuid4().hex}"
    leaves, nodes = f"{scratch}_leaves", f"{scratch}_nodes"
    try:
        trees = _trees(config, client, batch, leaves, nodes)
        seals = _seals(state, batch, trees)
        stamped = [seal | {"sealed_at": format_instant(sealed_at), "run_id": run_id} for seal in seals]
        script = _commit(state.size, leaves, nodes, stamped)
        for attempt in Retrying(
            retry=retry_if_exception(_is_conflict),
            stop=stop_after_attempt(6),
            wait=wait_random_exponential(max=30),
            reraise=True,
        ):
            with attempt:
                client.query(script).result()
    finally:
        for table in (leaves, nodes):
            client.delete_table(f"{client.project}.{table}", not_found_ok=True)
    return stamped if _is_mine(client, stamped) else []


def _trees(
    config: Config, client: bigquery.Client, batch: Batch, leaves: str, nodes: str
) -> dict[tuple[date, str], _Tree]:
    """Make the tables of leaves and nodes; (seal day, stream) -> its tree. Raises SealDisagreement."""
    client.query(_leaves_sql(client, batch, leaves)).result()
    rows = client.query(
        "select tree, seal_day, stream, count(*) as records, sum(if(event_day < seal_day, 1, 0)) as late_records "
        f"from {leaves} group by tree, seal_day, stream"
    ).result()
    counts = {row["tree"]: row for row in rows}
    client.query(tree_script(leaves, nodes, max((row["records"] for row in counts.values()), default=0))).result()
    roots = {row["tree"]: (row["size"], row["root"]) for row in client.query(roots_sql(leaves, nodes)).result()}
    for tree, row in counts.items():
        if roots.get(tree, (None, None))[0] != row["records"] or not roots[tree][1]:
            raise SealDisagreement(f"SQL gives no root over the {row['records']} records of {tree}")
    small = [tree for tree, row in counts.items() if row["records"] <= config.audit.recomputed_records]
    for tree, root in _python_roots(client, leaves, config.audit.recomputed_records) if small else ():
        if roots[tree][1] != root:
            raise SealDisagreement(f"{tree}: the root in SQL is {roots[tree][1]}, in Python {root}")
        small.remove(tree)
    if small:
        raise SealDisagreement(f"Python came to no root of {', '.join(sorted(small))}")
    return {
        (row["seal_day"], row["stream"]): _Tree(row["records"], int(row["late_records"]), roots[tree][1])
        for tree, row in counts.items()
    }


def _leaves_sql(client: bigquery.Client, batch: Batch, leaves: str) -> str:
    """CREATE TABLE of what the batch seals, in order: a late record goes to the stream's first open day."""
    first_days = [{"stream": stream, "day": str(day)} for stream, day in sorted(batch.first_days.items())]
    days = dates(batch.read_days) or "date '0001-01-01'"
    return f"""
        create or replace table {leaves}
        options (expiration_timestamp = timestamp_add(current_timestamp(), interval 2 day)) as
        with opened as (
            select json_value(r, '$.stream') as stream, cast(json_value(r, '$.day') as date) as first_day
            from {unnested(first_days)}
        ),
        waiting as (
            select e.stream, e.source, e.source_key, e.`at`, e.record_id, e.event_day,
                greatest(e.event_day, o.first_day) as seal_day
            from audit.events as e
            inner join opened as o on e.stream = o.stream
            where e.event_day in ({days}) {_not_sealed(client, batch)}
        ),
        once as (
            select stream, record_id, event_day, seal_day, min(`at`) as `at`, min(source) as source,
                min(source_key) as source_key
            from waiting group by stream, record_id, event_day, seal_day
        )
        select concat(cast(seal_day as string), ' ', stream) as tree, seal_day, stream, event_day, record_id as hash,
            row_number() over (
                partition by seal_day, stream order by `at`, source, source_key, record_id
            ) - 1 as position
        from once
    """


def _not_sealed(client: bigquery.Client, batch: Batch) -> str:
    """Condition that leaves out what earlier seals hold; only their days of audit.leaves are read."""
    if not batch.read_days:
        return ""
    days = dates(batch.read_days)
    rows = client.query(f"select distinct seal_day from audit.sealed_days where event_day in ({days})").result()
    seal_days = tuple(sorted(row["seal_day"] for row in rows))
    if not seal_days:
        return ""
    return f"""and not exists (
        select 1 from audit.leaves as l
        where l.seal_day in ({dates(seal_days)}) and l.stream = e.stream and l.record_id = e.record_id
    )"""


def _python_roots(client: bigquery.Client, leaves: str, limit: int) -> Iterator[tuple[str, str]]:
    """(tree, root) by audit/merkle.py, of each tree with at most `limit` leaves; one tree in memory at a time."""
    rows = client.query(
        f"select tree, hash from {leaves} where tree in (select tree from {leaves} group by tree having "
        f"count(*) <= {limit}) order by tree, position"
    ).result()
    for tree, held in groupby(rows, key=itemgetter("tree")):
        yield tree, merkle.root([bytes.fromhex(row["hash"]) for row in held]).hex()


def _seals(state: State, batch: Batch, trees: Mapping[tuple[date, str], _Tree]) -> list[dict[str, Any]]:
    """The batch's seals in order of day and stream, each chained to its stream's one before."""
    previous = {stream: digest for stream, (_, digest) in state.last.items()}
    seals: list[dict[str, Any]] = []
    day = min(batch.first_days.values())
    while day <= batch.last_day:
        for stream in sorted(stream for stream, first in batch.first_days.items() if first <= day):
            tree = trees.get((day, stream), _Tree(0, 0, merkle.EMPTY_ROOT.hex()))
            seal = {
                "seal_no": state.size + len(seals),
                "seal_day": day.isoformat(),
                "stream": stream,
                "records": tree.records,
                "late_records": tree.late_records,
                "root": tree.root,
                "prev_seal": previous.get(stream, FIRST),
            }
            previous[stream] = seal["seal_hash"] = seal_hash(seal)
            seals.append(seal)
        day += timedelta(days=1)
    return seals


def _commit(size: int, leaves: str, nodes: str, seals: Sequence[Mapping[str, Any]]) -> str:
    """The transaction. Each insert adds nothing where the log of seals has another size than `size` by now."""
    unchanged = f"(select count(*) from audit.seals) = {size}"
    day = "cast(substr(tree, 1, 10) as date)"
    return f"""
        begin transaction;
        update {LOCK} set ticket = ticket + 1 where true;
        insert into audit.leaves (seal_day, stream, position, record_id, event_day)
        select seal_day, stream, position, hash, event_day from {leaves} where {unchanged};
        insert into audit.tree_nodes (seal_day, stream, level, position, node_hash)
        select {day}, substr(tree, 12), level, position, hash from {nodes}
        where level <= {LEVELS[-1]} and {unchanged};
        insert into audit.sealed_days (event_day, stream, seal_day, records)
        select event_day, stream, seal_day, count(*) from {leaves} where {unchanged}
        group by event_day, stream, seal_day;
        insert into audit.seals ({", ".join(_SEAL_TYPES)})
        select {typed(_SEAL_TYPES)} from {unnested(seals)} where {unchanged};
        commit transaction;
    """


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, GoogleAPICallError) and any(word in str(error).lower() for word in _CONFLICT)


def _is_mine(client: bigquery.Client, seals: Sequence[Mapping[str, Any]]) -> bool:
    rows = client.query(
        "select run_id, sealed_at, seal_hash from audit.seals where seal_no = @seal_no",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter("seal_no", "INT64", seals[0]["seal_no"])]
        ),
    ).result()
    mine = [
        row
        for row in rows
        if (row["run_id"], format_instant(row["sealed_at"]), row["seal_hash"])
        == tuple(seals[0][name] for name in ("run_id", "sealed_at", "seal_hash"))
    ]
    return bool(mine)


def _record_newest(client: bigquery.Client, window: Window, run_id: str) -> None:
    """The record of the newest batch of seals, at the window's end, so that it isn't late; nothing where it is held."""
    from audit.own import own_record

    rows = client.query(
        "select min(seal_no) as first, max(seal_no) as last, min(seal_day) as first_day, max(seal_day) as last_day, "
        "sum(records) as records from audit.seals where sealed_at = (select max(sealed_at) from audit.seals)"
    ).result()
    newest = next(iter(rows))
    if newest["first"] is None:
        return
    own_record(
        client,
        source_key=f"seals/{newest['first']}-{newest['last']}",
        action="sealed",
        at=window.end,
        run_id=run_id,
        amount=int(newest["records"]),
        unit="records",
        detail=json.dumps({name: str(newest[name]) for name in ("first_day", "last_day")}),
    )
