"""Brings a month back from the cold tier, and verifies it against its record, its manifest and the seals."""

from __future__ import annotations

import json
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

from google.cloud import bigquery

from audit import merkle
from audit.cold import EVENTS, ColdError, Copy, hot_rows, live_copies, newest_copy, verified_file
from audit.cold_files import Digests, arrow_schema, digests_of, only, read_file, read_rows, write_file
from audit.own import own_record, record_id
from audit.policy import load_policy, month_end, schema_of
from audit.tables import ensure_tables
from ingestion import tables as ingestion_tables
from ingestion.staging import Scratch
from warehouse.config import Config
from warehouse.storage import Storage, filesystem


@dataclass(frozen=True)
class Restored:
    """What a restore brought back: `target`, where the rows are; `added` rows that weren't there; `seals` compared."""

    target: str
    rows: int
    added: int
    seals: int


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


def _compare_manifest(storage: Storage, copy: Copy) -> None:
    try:
        manifest = json.loads(storage.read(copy.manifest_uri))
    except (FileNotFoundError, ValueError):
        raise ColdError(f"{copy.manifest_uri}: can't be read") from None
    stated = [manifest.get(name) for name in ("table", "rows", "bytes", "sha256", "rows_hash")]
    if stated != [copy.table, copy.rows, copy.size, copy.sha256, copy.rows_hash]:
        raise ColdError(f"{copy.manifest_uri}: says otherwise than audit.cold_months")
