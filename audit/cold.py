"""The cold tier: closed months of retained tables as Parquet with a manifest, read back and compared, and restored.

<cold>/<dataset>.<table>/<YYYY-MM>.parquet and .json beside it; a later copy of the same month, which holds what came
late too, is <YYYY-MM>.<generation>.parquet. Nothing is ever overwritten: the bucket has a retention lock. A copy counts
from the moment that audit.cold_months names it, and that comes last; a run that was killed before finds the file and
takes it for its own where the rows are the same, and the next free generation otherwise.

Rows travel through the client, which works on both targets. For months too large for that, EXPORT DATA writes the same
Parquet inside BigQuery; the manifest and the comparison stay as they are.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from audit import merkle
from audit.cold_files import (
    Digests,
    arrow_schema,
    digests_of,
    file_hash,
    only,
    read_file,
    read_rows,
    rows_hash,
    write_file,
)
from audit.own import own_record, record_id
from audit.policy import TableRule, day_of, load_policy, month_end, schema_of, stored_tables, within
from audit.tables import ensure_tables, table_schema
from expectations.table import typed, unnested
from ingestion import tables as ingestion_tables
from ingestion.staging import Scratch
from warehouse.config import Config
from warehouse.storage import CHUNK, Storage, filesystem
from warehouse.window import format_instant

EVENTS = "audit.events"


class ColdError(RuntimeError):
    """A copy isn't what its manifest, the warehouse or the seals say; nothing may be removed because of it."""


@dataclass(frozen=True)
class Copy:
    """A copy of a month in the cold tier; `written_on` is the day from which its lock counts."""

    table: str
    month: date
    generation: int
    uri: str
    rows: int
    size: int
    sha256: str
    rows_hash: str
    written_on: date

    @property
    def manifest_uri(self) -> str:
        """Address of the manifest."""
        return _manifest_of(self.uri)


@dataclass(frozen=True)
class Restored:
    """What a restore brought back: `target`, where the rows are; `added` rows that weren't there; `seals` compared."""

    target: str
    rows: int
    added: int
    seals: int


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
                    client.query(_added([(copy, "written")], as_of, run_id)).result()
                    written.append(copy)
    return written


def live_copies(client: bigquery.Client) -> list[Copy]:
    """Copies that are written and not removed, by table, month and generation."""
    rows = client.query(
        "select * from audit.cold_months where change = 'written' and uri not in "
        "(select uri from audit.cold_months where change = 'removed') order by table_name, month, generation"
    ).result()
    return [
        Copy(
            row["table_name"], row["month"], row["generation"], row["uri"], row["row_count"], row["size_bytes"],
            row["sha256"], row["rows_hash"], row["changed_on"],
        )
        for row in rows
    ]  # fmt: skip


def newest_copy(copies: Sequence[Copy], table: str, month: date) -> Copy | None:
    """The copy of a month that holds most; None where there is none."""
    return max(
        (copy for copy in copies if (copy.table, copy.month) == (table, month)),
        key=lambda copy: copy.generation,
        default=None,
    )


def holds_all(config: Config, client: bigquery.Client, rule: TableRule, copy: Copy) -> bool:
    """Whether a copy, read now, has every row that the warehouse has of its month. Raises ColdError."""
    with verified_file(filesystem(config), copy) as (_, cold):
        return not hot_rows(client, rule, copy.table, copy.month) - cold


def hot_rows(client: bigquery.Client, rule: TableRule, table: str, month: date) -> Digests:
    """Hashes of the rows that the warehouse has of a month."""
    return digests_of(_hot_batches(client, rule, table, month))


@contextmanager
def verified_file(storage: Storage, copy: Copy) -> Iterator[tuple[Path, Digests]]:
    """A copy as a local file, and the hashes of its rows. Raises ColdError where it isn't what was recorded."""
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        path = Path(folder) / "month.parquet"
        _fetch(storage, copy.uri, path)
        if file_hash(path) != copy.sha256:
            raise ColdError(f"{copy.uri}: another file than was recorded (SHA-256)")
        digests = digests_of(read_file(path))
        if (digests.total(), rows_hash(digests)) != (copy.rows, copy.rows_hash):
            raise ColdError(f"{copy.uri}: other rows than were recorded")
        yield path, digests


def remove(
    client: bigquery.Client, storage: Storage, copies: Sequence[Copy], as_of: date, run_id: str, noted: str
) -> None:
    """Say in one transaction with the statement `noted` that copies are removed, then delete them.

    What a killed run said and didn't do is done by `sweep`.
    """
    added = _added([(copy, "removed") for copy in copies], as_of, run_id)
    client.query(f"begin transaction; {noted} {added}; commit transaction;").result()
    for copy in copies:
        _delete(storage, copy.uri)


def sweep(config: Config, client: bigquery.Client) -> int:
    """Delete files of copies that are said to be removed and are still there; returns how many."""
    rows = client.query("select uri from audit.cold_months where change = 'removed'").result()
    removed = {row["uri"] for row in rows}
    storage = filesystem(config)
    left = [found.uri for found in storage.list(config.audit.cold) if found.uri in removed] if removed else []
    for uri in left:
        _delete(storage, uri)
    return len(left)


def _delete(storage: Storage, uri: str) -> None:
    """The manifest first: a file without one is found again."""
    storage.delete(_manifest_of(uri))
    storage.delete(uri)


def _manifest_of(uri: str) -> str:
    return uri.removesuffix(".parquet") + ".json"


def restore(
    config: Config, client: bigquery.Client, table: str, month: date, run_id: str, into_hot: bool = False
) -> Restored:
    """Bring a month back, into a table of its own in scratch or among the table's own rows, and verify it.

    Compared: the file with its record and manifest, the rows read back from the warehouse with both, and for the audit
    record each row's hash and the roots of the seals that cover it. Raises ColdError; then nothing was added to the
    table's own rows.
    """
    ingestion_tables.ensure_tables(client)
    ensure_tables(client)
    storage, schema = filesystem(config), schema_of(table)
    copy = newest_copy(live_copies(client), table, month)
    if copy is None:
        raise ColdError(f"no copy of {table} {month:%Y-%m} in the cold tier")
    _compare_manifest(storage, copy)
    target = f"{ingestion_tables.SCRATCH}.restored_{table.replace('.', '_')}_{month:%Y_%m}"
    with verified_file(storage, copy) as (path, cold):
        seals = verify_seals(client, path, month) if table == EVENTS else 0
        job = bigquery.LoadJobConfig(
            schema=schema,
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        client.load_table_from_uri(copy.uri, f"{client.project}.{target}", job_config=job).result()
        if digests_of(read_rows(client, f"select * from {target}", arrow_schema(schema))) != cold:
            raise ColdError(f"{target}: other rows than in {copy.uri}")
        if not into_hot:
            return Restored(target, copy.rows, copy.rows, seals)
        rule = load_policy(config).rule(table)
        missing = cold - hot_rows(client, rule, table, month)
        add_rows(config, client, table, path, missing)
        client.delete_table(f"{client.project}.{target}", not_found_ok=True)
        if cold - hot_rows(client, rule, table, month):
            raise ColdError(f"{table}: rows of {copy.uri} are missing after the restore")
    at = datetime.now(UTC)
    own_record(
        client, source_key=f"restore/{uuid.uuid4().hex}", action="month_restored", at=at, run_id=run_id,
        detail=f"{table} {month:%Y-%m} sha256 {copy.sha256}", amount=missing.total(), unit="rows",
    )  # fmt: skip
    return Restored(table, copy.rows, missing.total(), seals)


def add_rows(config: Config, client: bigquery.Client, table: str, path: Path, wanted: Digests) -> None:
    """Add the wanted rows of a local file to a table, in one statement. Nothing for no rows."""
    if not wanted.total():
        return
    schema = schema_of(table)
    names = ", ".join(f"`{field.name}`" for field in schema)
    with (
        tempfile.TemporaryDirectory(prefix="cold-") as folder,
        Scratch(client, filesystem(config), config.staging, f"{uuid.uuid4().hex}_cold") as scratch,
    ):
        chosen = Path(folder) / "rows.parquet"
        write_file(chosen, arrow_schema(schema), only(read_file(path), wanted))
        source = scratch.load("rows", [chosen], schema)
        client.query(f"insert into {table} ({names}) select {names} from {source}").result()


def verify_seals(client: bigquery.Client, path: Path, month: date) -> int:
    """Compare a copy of a month of audit.events with the seals: returns how many were compared.

    Every row's hash is computed again and must be its record_id; every leaf of the month's days must have its row here,
    or still in the warehouse where it came after the copy; and the roots over the leaves of each seal that covers one
    of them must be the sealed ones. Raises ColdError.
    """
    ids = set()
    for row in chain.from_iterable(batch.to_pylist() for batch in read_file(path)):
        if record_id(row) != row["record_id"]:
            raise ColdError(f"record {row['record_id']}: its bytes have another hash")
        ids.add(row["record_id"])
    days = f"between date '{month}' and date '{month_end(month)}'"
    leaves = client.query(
        f"with covering as (select distinct seal_day, stream from audit.leaves where event_day {days}) "
        f"select l.seal_day, l.stream, l.record_id, l.event_day, s.root, l.event_day {days} and l.record_id not in "
        f"(select record_id from audit.events where event_day {days}) as must_be_here from audit.leaves as l "
        "join covering as c on l.seal_day = c.seal_day and l.stream = c.stream "
        "join audit.seals as s on l.seal_day = s.seal_day and l.stream = s.stream "
        "order by l.seal_day, l.stream, l.position"
    ).result()
    trees: dict[tuple, list[bytes]] = {}
    for leaf in leaves:
        if leaf["must_be_here"] and leaf["record_id"] not in ids:
            raise ColdError(f"record {leaf['record_id']} of {leaf['event_day']} is sealed and not in the copy")
        trees.setdefault((leaf["seal_day"], leaf["stream"], leaf["root"]), []).append(bytes.fromhex(leaf["record_id"]))
    for (day, stream, root), nodes in trees.items():
        if merkle.root(nodes).hex() != root:
            raise ColdError(f"seal of {stream} {day}: its leaves have another root")
    return len(trees)


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


def _hot_batches(client: bigquery.Client, rule: TableRule, table: str, month: date) -> Iterator[pa.RecordBatch]:
    schema = schema_of(table)
    sql = f"select * from {table} where {within(rule, schema, month, month_end(month))}"
    return read_rows(client, sql, arrow_schema(schema))


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
            digests = write_file(path, schema, _hot_batches(client, rule, table, month))
        else:
            with verified_file(storage, newest) as (old, cold):
                late = hot_rows(client, rule, table, month) - cold
                if not late:
                    return None
                both = chain(read_file(old), only(_hot_batches(client, rule, table, month), late))
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
        _fetch(storage, copy.uri, path)
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


def _compare_manifest(storage: Storage, copy: Copy) -> None:
    try:
        manifest = json.loads(storage.read(copy.manifest_uri))
    except (FileNotFoundError, ValueError):
        raise ColdError(f"{copy.manifest_uri}: can't be read") from None
    stated = [manifest.get(name) for name in ("table", "rows", "bytes", "sha256", "rows_hash")]
    if stated != [copy.table, copy.rows, copy.size, copy.sha256, copy.rows_hash]:
        raise ColdError(f"{copy.manifest_uri}: says otherwise than audit.cold_months")


def _fetch(storage: Storage, uri: str, path: Path) -> None:
    try:
        with storage.open(uri) as source, path.open("wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
    except FileNotFoundError:
        raise ColdError(f"{uri}: is missing") from None


def _added(changes: Sequence[tuple[Copy, str]], on: date, run_id: str) -> str:
    """INSERT into audit.cold_months of changes that it doesn't have yet."""
    rows = [
        {
            "table_name": copy.table,
            "month": copy.month.isoformat(),
            "generation": copy.generation,
            "change": change,
            "uri": copy.uri,
            "row_count": copy.rows,
            "size_bytes": copy.size,
            "sha256": copy.sha256,
            "rows_hash": copy.rows_hash,
            "changed_on": on.isoformat(),
            "noted_at": format_instant(datetime.now(UTC)),
            "run_id": run_id,
        }
        for copy, change in changes
    ]
    columns = {field.name: field.field_type for field in table_schema("cold_months")}
    return (
        f"insert into audit.cold_months ({', '.join(columns)}) select {typed(columns)} from {unnested(rows)} "
        "where not exists (select 1 from audit.cold_months as c "
        "where c.uri = json_value(r, '$.uri') and c.change = json_value(r, '$.change'))"
    )
