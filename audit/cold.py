"""The cold tier: closed months of retained tables as Parquet with a manifest, read back and compared, and restored.

<cold>/<dataset>.<table>/<YYYY-MM>.parquet and .json beside it; a later copy of the same month, which holds what came
late too, is <YYYY-MM>.<generation>.parquet. Nothing is ever overwritten: the bucket has a retention lock. A copy counts
from the moment that audit.cold_months names it, and that comes last; a run that was killed before finds the file and
takes it for its own where the rows are the same, and the next free generation otherwise.

Rows travel through the client, which works on both targets. For months too large for that, EXPORT DATA writes the same
Parquet inside BigQuery; the manifest and the comparison stay as they are.

Here is what a copy is, how it is read and how it goes; `audit.cold_archive` writes copies, `audit.cold_restore` brings
them back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
from google.cloud import bigquery

from audit.cold_files import Digests, arrow_schema, digests_of, file_hash, read_file, read_rows, rows_hash
from audit.policy import TableRule, month_end, schema_of, within
from audit.tables import table_schema
from expectations.table import typed, unnested
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
    return digests_of(hot_batches(client, rule, table, month))


def hot_batches(client: bigquery.Client, rule: TableRule, table: str, month: date) -> Iterator[pa.RecordBatch]:
    """The rows that the warehouse has of a month."""
    schema = schema_of(table)
    sql = f"select * from {table} where {within(rule, schema, month, month_end(month))}"
    return read_rows(client, sql, arrow_schema(schema))


@contextmanager
def verified_file(storage: Storage, copy: Copy) -> Iterator[tuple[Path, Digests]]:
    """A copy as a local file, and the hashes of its rows. Raises ColdError where it isn't what was recorded."""
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        path = Path(folder) / "month.parquet"
        fetch(storage, copy.uri, path)
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
    added = recorded([(copy, "removed") for copy in copies], as_of, run_id)
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


def fetch(storage: Storage, uri: str, path: Path) -> None:
    """Copy an object to a local file. Raises ColdError where it is missing."""
    try:
        with storage.open(uri) as source, path.open("wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
    except FileNotFoundError:
        raise ColdError(f"{uri}: is missing") from None


def recorded(changes: Sequence[tuple[Copy, str]], on: date, run_id: str) -> str:
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


def _delete(storage: Storage, uri: str) -> None:
    """The manifest first: a file without one is found again."""
    storage.delete(_manifest_of(uri))
    storage.delete(uri)


def _manifest_of(uri: str) -> str:
    return uri.removesuffix(".parquet") + ".json"
