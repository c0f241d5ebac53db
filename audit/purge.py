"""Removal of what is past its time, and the only code that removes rows of audit tables.

Hot: rows past their hot days, once the cold tier's copy, read back, has every one of them; and rows past their time.
Cold: copies of months that are past their time as a whole. Landing: objects as received, past theirs. Never what a
legal hold names, and never a record that no seal covers yet: it stays where it is. Of a cold month past its time, held
rows go back into the warehouse before the copy is deleted, so that the rest of the month needn't stay with them.

Seals, leaf hashes and tree nodes stay, so every seal is still verified, and a purged record's inclusion still proved by
its hash; what was removed stands in audit.purges, in the same transaction, and as a record of its own in audit.events.
Run again, it finds nothing left to do; killed anywhere, the next run goes on. A hold counts for purges that begin after
it was placed.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import pyarrow as pa
from google.cloud import bigquery

from audit.cold import (
    EVENTS,
    ColdError,
    Copy,
    holds_all,
    hot_rows,
    live_copies,
    newest_copy,
    remove,
    sweep,
    verified_file,
)
from audit.cold_files import Digests, read_file, row_digests
from audit.cold_restore import add_rows
from audit.holds import SUBJECT, Held, current_holds, days_of_subjects, record_holds
from audit.own import own_record
from audit.policy import Policy, TableRule, day_of, load_policy, month_end, schema_of, stored_tables, within
from audit.policy_apply import lock_of
from audit.tables import ensure_tables, table_schema
from expectations.table import typed, unnested
from ingestion import tables as ingestion_tables
from warehouse.config import Config
from warehouse.storage import Storage, filesystem
from warehouse.window import format_instant


@dataclass(frozen=True)
class Removal:
    """Something that was removed, or would be: `rows` of a table (or objects of the landing) of the days of a month.

    `tier`: hot, cold or landing. `cause`: in_cold, or past. `held`, `unsealed`: rows of those days that stayed in the
    warehouse, and why. `locked`: the copy is still under the bucket's retention lock, so nothing was removed.
    """

    table: str
    tier: str
    cause: str
    first_day: date
    last_day: date
    rows: int
    held: int = 0
    unsealed: int = 0
    locked: bool = False


@dataclass(frozen=True)
class _Run:
    """What a purge works with."""

    config: Config
    client: bigquery.Client
    storage: Storage
    policy: Policy
    as_of: date
    run_id: str
    dry: bool
    held: Held
    holds_seen: int
    copies: tuple[Copy, ...]


def purge(config: Config, client: bigquery.Client, as_of: date, run_id: str, dry_run: bool = False) -> list[Removal]:
    """Remove what is past its time on `as_of`; returns what was removed, or would be, and what stayed though past.

    A row of day D that is kept N days goes when D + N is before `as_of`. Raises ColdError where a copy is damaged:
    nothing is removed because of it then.
    """
    ingestion_tables.ensure_tables(client)
    ensure_tables(client)
    holds = current_holds(client)
    seen = next(iter(client.query("select count(*) as n from audit.holds").result()))["n"]
    storage, policy = filesystem(config), load_policy(config)
    held = Held.of(holds, days_of_subjects(config, client, [hold.subject for hold in holds if hold.subject]))
    run = _Run(config, client, storage, policy, as_of, run_id, dry_run, held, int(seen), tuple(live_copies(client)))
    if not dry_run:
        sweep(config, client)
    done = [*_cold(run), *_hot(run), *_landing(run)]
    if not dry_run:
        record_holds(client, run_id)
        record_purges(client, run_id)
    return done


def record_purges(client: bigquery.Client, run_id: str) -> None:
    """Add the audit record of every removal that has none yet; it is dated to the day that it was done as of."""
    rows = client.query(
        "select * from audit.purges where concat('purge/', purge_id) not in "
        "(select source_key from audit.events where action = 'records_purged') order by as_of, purge_id"
    ).result()
    for row in rows:
        stated = ("table_name", "tier", "cause", "first_day", "last_day", "held_rows", "unsealed_rows")
        own_record(
            client, source_key=f"purge/{row['purge_id']}", action="records_purged",
            at=datetime.combine(row["as_of"], time(), UTC), run_id=run_id,
            detail=json.dumps({name: row[name] for name in stated}, default=str),
            amount=row["row_count"], unit="objects" if row["tier"] == "landing" else "rows",
        )  # fmt: skip


def _hot(run: _Run) -> Iterator[Removal]:
    for table in stored_tables():
        rule = run.policy.rule(table)
        if rule.purge != "job":
            continue
        past = run.as_of - timedelta(days=rule.days)
        cool = run.as_of - timedelta(days=rule.kept_hot)
        for month, first, last in _months(run, rule, table, cool):
            if first < past:
                yield from _remove_days(run, rule, table, first, min(last, past - timedelta(days=1)), "past")
            if last >= past:
                copy = newest_copy(run.copies, table, month)
                yield from _remove_days(run, rule, table, max(first, past), last, "in_cold", copy)


def _months(run: _Run, rule: TableRule, table: str, before: date) -> list[tuple[date, date, date]]:
    """(month, first day, last day) of a table's rows before a day; the days are cut off at the month's end."""
    day = day_of(rule, schema_of(table))
    rows = run.client.query(
        f"select cast(date_trunc({day}, month) as date) as month, min({day}) as first, max({day}) as last from {table} "
        f"where {day} < date '{before}' group by 1 order by 1"
    ).result()
    return [(row["month"], row["first"], row["last"]) for row in rows]


def _remove_days(
    run: _Run, rule: TableRule, table: str, first: date, last: date, cause: str, copy: Copy | None = None
) -> Iterator[Removal]:
    """Remove a month's days from a table and note it, in one transaction that fails where the rows have changed.

    `copy`: for in_cold, the copy that must have all rows of the month.
    """
    schema = schema_of(table)
    span = within(rule, schema, first, last)
    kept = run.held.condition(day_of(rule, schema), any(field.name == SUBJECT for field in schema))
    leaves = f"select record_id from audit.leaves where seal_day >= date '{first}'"
    sealed = f"record_id in ({leaves})" if table == EVENTS else "true"
    counts = run.client.query(
        "select count(*) as n, countif(is_kept) as held, countif(not is_kept and not is_sealed) as unsealed "
        f"from (select {kept} as is_kept, {sealed} as is_sealed from {table} where {span})"
    ).result()
    n, held, unsealed = (int(count or 0) for count in next(iter(counts)).values())
    rows = n - held - unsealed
    if cause == "in_cold" and rows and not (copy and holds_all(run.config, run.client, rule, copy)):
        return
    removal = Removal(table, "hot", cause, first, last, rows, held, unsealed)
    if rows and not run.dry:
        gone = f"{span} and not ({kept}) and ({sealed})"
        run.client.query(
            f"""
            begin transaction;
            select case when (select count(*) from {table} where {gone}) != {rows}
                or (select count(*) from audit.holds) != {run.holds_seen}
                then error('rows or holds have changed since they were looked at: run the purge again') end;
            delete from {table} where {gone};
            {_noted(removal, run)}
            commit transaction;
            """
        ).result()
    if rows or held or unsealed:
        yield removal


def _cold(run: _Run) -> Iterator[Removal]:
    lock = lock_of(run.config, "cold")
    for (table, month), found in groupby(run.copies, key=lambda copy: (copy.table, copy.month)):
        rule, generations = run.policy.rule(table), list(found)
        if rule.purge != "job" or month_end(month) + timedelta(days=rule.days) >= run.as_of:
            continue
        newest = generations[-1]
        if any(copy.written_on + timedelta(days=lock) >= run.as_of for copy in generations):
            yield Removal(table, "cold", "past", month, month_end(month), newest.rows, locked=True)
            continue
        held = _keep_held(run, rule, newest)
        removal = Removal(table, "cold", "past", month, month_end(month), newest.rows - held, held)
        if not run.dry:
            remove(run.client, run.storage, generations, run.as_of, run.run_id, _noted(removal, run))
        yield removal


def _keep_held(run: _Run, rule: TableRule, copy: Copy) -> int:
    """Bring held rows of a copy back into the warehouse where they aren't there any more; returns how many are held."""
    if not run.held.holds:
        return 0
    columns = [*rule.day, *([SUBJECT] if any(field.name == SUBJECT for field in schema_of(copy.table)) else [])]
    with verified_file(run.storage, copy) as (path, _):
        kept: Digests = Counter()
        for batch in read_file(path):
            for digest, row in zip(row_digests(batch), _rows([batch.select(columns)]), strict=True):
                if _is_held(run.held, rule, row):
                    kept[digest] += 1
        if kept and not run.dry:
            missing = kept - hot_rows(run.client, rule, copy.table, copy.month)
            add_rows(run.config, run.client, copy.table, path, missing)
            if kept - hot_rows(run.client, rule, copy.table, copy.month):
                raise ColdError(f"{copy.table} {copy.month:%Y-%m}: held rows did not come back into the warehouse")
    return kept.total()


def _is_held(held: Held, rule: TableRule, row: dict) -> bool:
    stated = next((row[name] for name in rule.day if row[name] is not None), None)
    if stated is None:
        return False
    day = stated.date() if isinstance(stated, datetime) else stated
    return held.keeps(row[SUBJECT], day) if SUBJECT in row else held.keeps_day(day)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict]:
    for batch in batches:
        yield from batch.to_pylist()


def _landing(run: _Run) -> Iterator[Removal]:
    """Objects as received: past their days since they were landed, loaded, and of no day that is held."""
    for rule in run.policy.bucket_rules("landing"):
        if rule.purge != "job":
            continue
        source = rule.prefix.rstrip("/")
        cutoff = run.as_of - timedelta(days=rule.days)
        known = _landed(run, source, cutoff)
        root = f"{run.config.landing.rstrip('/')}/{source}"
        there = [known[item.uri] | {"uri": item.uri} for item in run.storage.list(root) if item.uri in known]
        there.sort(key=lambda item: (item["day"], item["uri"]))
        for month, items in groupby(there, key=lambda item: item["day"].replace(day=1)):
            yield from _remove_objects(run, f"landing/{source}", month, list(items))


def _remove_objects(run: _Run, name: str, month: date, items: list[dict]) -> Iterator[Removal]:
    kept = [item for item in items if any(run.held.keeps_day(day) for day in item["days"])]
    gone = [item for item in items if item not in kept]
    removal = Removal(name, "landing", "past", items[0]["day"], items[-1]["day"], len(gone), len(kept))
    if gone and not run.dry:
        # Said first: of a deleted object nothing could be said any more. What a killed run leaves is said twice.
        run.client.query(_noted(removal, run)).result()
        for item in gone:
            run.storage.delete(item["uri"])
    yield removal


def _landed(run: _Run, source: str, before: date) -> dict[str, dict]:
    """Address -> day of landing, and days that a hold may name, of a source's objects that were landed before a day.

    An object's days are those of its rows; of one without rows, those of its window.
    """
    rows = run.client.query(
        "select uri, date(landed_at) as day, event_dates, date(window_start) as first, "
        "date(timestamp_sub(window_end, interval 1 microsecond)) as last from ops.objects "
        f"where source = '{source}' and state != 'landed' and landed_at < timestamp '{before} 00:00:00+00'"
    ).result()
    found = {}
    for row in rows:
        days = [date.fromisoformat(day) for day in json.loads(row["event_dates"] or "[]")]
        spanned = [row["first"] + timedelta(days=n) for n in range((row["last"] - row["first"]).days + 1)]
        found[row["uri"]] = {"day": row["day"], "days": days or spanned}
    return found


def _noted(removal: Removal, run: _Run) -> str:
    """INSERT of a removal into audit.purges."""
    row = {
        "purge_id": uuid.uuid4().hex,
        "table_name": removal.table,
        "tier": removal.tier,
        "cause": removal.cause,
        "first_day": removal.first_day.isoformat(),
        "last_day": removal.last_day.isoformat(),
        "row_count": removal.rows,
        "held_rows": removal.held,
        "unsealed_rows": removal.unsealed,
        "as_of": run.as_of.isoformat(),
        "purged_at": format_instant(datetime.now(UTC)),
        "run_id": run.run_id,
    }
    columns = {field.name: field.field_type for field in table_schema("purges")}
    return f"insert into audit.purges ({', '.join(columns)}) select {typed(columns)} from {unnested([row])};"
