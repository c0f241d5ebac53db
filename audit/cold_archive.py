"""Writes the cold tier: every closed month that isn't there as it is now, read back before it counts."""

from __future__ import annotations

import json
import tempfile
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from audit.cold import (
    EVENTS,
    ColdError,
    Copy,
    fetch,
    hot_batches,
    hot_rows,
    live_copies,
    newest_copy,
    recorded,
    verified_file,
)
from audit.cold_files import arrow_schema, digests_of, file_hash, only, read_file, rows_hash, write_file
from audit.policy import TableRule, day_of, load_policy, month_end, schema_of, stored_tables
from audit.tables import ensure_tables
from warehouse.config import Config
from warehouse.storage import Storage, filesystem


def archive(config: Config, client: bigquery.Client, as_of: date, run_id: str, recheck: bool = False) -> list[Copy]:
    """Copy every closed month that is due by `as_of` and isn't in the cold tier as it is now; returns the new copies.

    A month is looked at where its number of rows isn't that of its newest copy, with `recheck` in any case. Raises
    ColdError where a copy read back isn't what was written.
    """
    policy, storage = load_policy(config), filesystem(config)
    ensure_tables(client)
    held, used = live_copies(client), _generations(client)
    written = []
    for table in stored_tables():
        rule = policy.rule(table)
        if not rule.cold:
            continue
        for month, rows in _months(client, rule, table).items():
            newest = newest_copy(held, table, month)
            due = month_end(month) + timedelta(days=policy.cold_after_days) < as_of
            if rule.days and month_end(month) + timedelta(days=rule.days) < as_of:
                continue  # what a hold keeps beyond its time stays hot: a new copy would be locked for years
            if due and (recheck or newest is None or newest.rows != rows):
                first_free = used.get((table, month), -1) + 1
                copy = _copy_month(config, client, storage, rule, table, month, newest, first_free, as_of)
                if copy:
                    client.query(recorded([(copy, "written")], as_of, run_id)).result()
                    written.append(copy)
    return written


def _generations(client: bigquery.Client) -> dict[tuple[str, date], int]:
    """The last generation of each table and month that there ever was; a removed one's name isn't used again."""
    rows = client.query("select table_name, month, max(generation) as n from audit.cold_months group by 1, 2").result()
    return {(row["table_name"], row["month"]): int(row["n"]) for row in rows}


def _months(client: bigquery.Client, rule: TableRule, table: str) -> dict[date, int]:
    day = day_of(rule, schema_of(table))
    rows = client.query(
        f"select cast(date_trunc({day}, month) as date) as month, count(*) as n from {table} where {day} is not null "
        "group by 1 order by 1"
    ).result()
    return {row["month"]: int(row["n"]) for row in rows}


def _copy_month(
    config: Config,
    client: bigquery.Client,
    storage: Storage,
    rule: TableRule,
    table: str,
    month: date,
    newest: Copy | None,
    first_free: int,
    as_of: date,
) -> Copy | None:
    """A copy with every row of the newest one and every row of the warehouse; None where the newest has them all."""
    schema = arrow_schema(schema_of(table))
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        path = Path(folder) / "month.parquet"
        if newest is None:
            digests = write_file(path, schema, hot_batches(client, rule, table, month))
        else:
            with verified_file(storage, newest) as (old, cold):
                late = hot_rows(client, rule, table, month) - cold
                if not late:
                    return None
                both = chain(read_file(old), only(hot_batches(client, rule, table, month), late))
                digests = write_file(path, schema, both)
        facts = (digests.total(), path.stat().st_size, file_hash(path), rows_hash(digests))
        root = f"{config.audit.cold.rstrip('/')}/{table}/{month:%Y-%m}"
        copy = _place(storage, root, Copy(table, month, first_free, "", *facts, as_of), path)
    with verified_file(storage, copy) as (_, found):  # what the bucket gives, not what was sent
        if found != digests:
            raise ColdError(f"{copy.uri}: read back, it holds other rows")
    _write_manifest(client, storage, copy)
    return copy


def _place(storage: Storage, root: str, copy: Copy, path: Path) -> Copy:
    """Write the file under the first generation that is free, or take one that holds the same rows for it."""
    generation = copy.generation
    while True:
        uri = f"{root}.parquet" if generation == 0 else f"{root}.{generation}.parquet"
        placed = Copy(**(vars(copy) | {"generation": generation, "uri": uri}))
        if not storage.exists(uri):
            storage.upload(uri, path)
            return placed
        left = _left_behind(storage, placed)
        if left:
            return left
        generation += 1


def _left_behind(storage: Storage, copy: Copy) -> Copy | None:
    """The same rows in a file that a killed run left; None for other rows."""
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        path = Path(folder) / "month.parquet"
        fetch(storage, copy.uri, path)
        try:
            same = rows_hash(digests_of(read_file(path))) == copy.rows_hash
        except (pa.ArrowInvalid, OSError):
            return None
        found = {"size": path.stat().st_size, "sha256": file_hash(path)}
        return Copy(**(vars(copy) | found)) if same else None


def _write_manifest(client: bigquery.Client, storage: Storage, copy: Copy) -> None:
    manifest = {
        "format": "escrow-cold/1",
        "table": copy.table,
        "month": f"{copy.month:%Y-%m}",
        "generation": copy.generation,
        "file": copy.uri.rsplit("/", 1)[1],
        "rows": copy.rows,
        "bytes": copy.size,
        "sha256": copy.sha256,
        "rows_hash": copy.rows_hash,
        "written_on": copy.written_on.isoformat(),
        "columns": [[field.name, field.field_type] for field in schema_of(copy.table)],
    }
    if copy.table == EVENTS:
        manifest["seals"] = _seals(client, copy.month)
    if not storage.exists(copy.manifest_uri):
        storage.write(copy.manifest_uri, json.dumps(manifest, indent=1).encode() + b"\n")


def _seals(client: bigquery.Client, month: date) -> list[dict[str, Any]]:
    """Seals that cover records of a month's days, with all that their canonical bytes hold."""
    names = ["seal_no", "seal_day", "stream", "records", "late_records", "root", "prev_seal", "seal_hash"]
    rows = client.query(
        f"select distinct {', '.join(f's.{name}' for name in names)} from audit.seals as s "
        "join audit.leaves as l on s.seal_day = l.seal_day and s.stream = l.stream "
        f"where l.event_day between date '{month}' and date '{month_end(month)}' order by s.seal_no"
    ).result()
    return [{name: str(row[name]) if name == "seal_day" else row[name] for name in names} for row in rows]
