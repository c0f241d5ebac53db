"""Rows into scratch tables by load jobs: the one way rows enter the warehouse.

They travel as Parquet: typed here, so that a row which doesn't fit its table is noticed before it is sent, and read by
a load job in a fraction of the time that JSON takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery

from ingestion.tables import SCRATCH, home, table_schema
from warehouse.storage import Storage

ROWS_AT_ONCE, BYTES_AT_ONCE = 1_000, 8 << 20
"""Rows that are turned into columns together; fewer, where the ones before were so large."""
GROUP_ROWS, GROUP_BYTES = 122_880, 64 << 20
"""Rows, and bytes in memory, that a row group of a file has at most: large ones load faster, and each is held whole."""

Schema = Sequence[bigquery.SchemaField]
_TYPES = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "NUMERIC": pa.decimal128(38, 9),
}
_AS_TEXT = ("DATE", "TIMESTAMP", "NUMERIC")
"""Types whose values rows carry as text."""


def columnar(rows: Sequence[dict[str, Any]], schema: Schema) -> pa.RecordBatch:
    """Rows as typed columns; a column that a row doesn't have is null.

    Raises ValueError for a column that the schema doesn't have; that, TypeError or OverflowError for a value
    that doesn't fit its column.
    """
    names = [column.name for column in schema]
    if unknown := set().union(*rows) - set(names):
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
    if min(map(len, rows)) < len(names):
        rows = [dict.fromkeys(names) | row for row in rows]
    columns = []
    take = itemgetter(*names, names[0])  # one more, as it would give no tuple for a single name
    for column, values in zip(schema, zip(*map(take, rows), strict=True), strict=False):
        if column.field_type in _AS_TEXT:
            columns.append(pa.array(values, pa.string()).cast(_TYPES[column.field_type]))
        else:
            columns.append(pa.array(values, _TYPES[column.field_type]))
    return pa.RecordBatch.from_arrays(columns, schema=_arrow_schema(tuple(schema)))


@cache
def _arrow_schema(schema: tuple[bigquery.SchemaField, ...]) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.field_type]) for column in schema])


class RowFile:
    """One table's rows in a Parquet file that grows as they come; a row group at most is held in memory."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path, self._schema = path, schema
        self._file = pq.ParquetWriter(path, _arrow_schema(tuple(schema)))
        self._rows: list[dict[str, Any]] = []
        self._at_once = ROWS_AT_ONCE // 10
        self._group: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = 0

    def add(self, columns: dict[str, Any]) -> None:
        """Append a row."""
        self._rows.append(columns)
        if len(self._rows) >= self._at_once:
            self._flush()

    def close(self) -> Path:
        """Finish the file."""
        self._flush()
        self._write_group()
        self._file.close()
        return self._path

    def abandon(self) -> None:
        """Close the file as it is; it isn't wanted any more."""
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            batch = columnar(self._rows, self._schema)
            self._at_once = max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE * batch.num_rows // max(1, batch.nbytes)))
            self._group.append(batch)
            self._rows = []
            self._held_rows += batch.num_rows
            self._held_bytes += batch.nbytes
        if self._held_rows + ROWS_AT_ONCE > GROUP_ROWS or self._held_bytes > GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        if self._group:
            self._file.write_table(pa.Table.from_batches(self._group))
            self._group, self._held_rows, self._held_bytes = [], 0, 0


Finished = list[tuple[str, Path]]
"""(table, file) pairs; a table may have several files."""


class RowFiles:
    """Files of rows to load, in a folder that is given or temporary. A file is there once it is finished."""

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="rows-")
        self._folder = folder or Path(self._temporary.name)
        self._open: dict[str, RowFile] = {}
        self._finished: Finished = []

    def __enter__(self) -> RowFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            file.abandon()
        if self._temporary:
            self._temporary.cleanup()

    def add(self, table: str, columns: dict[str, Any], schema: Schema | None = None) -> None:
        """Append a row to its table's file; `schema` is that of the raw or ops table of the name by default."""
        file = self._open.get(table)
        if file is None:
            file = RowFile(self._folder / f"{table}.parquet", schema or table_schema(table, home(table)))
            self._open[table] = file
        file.add(columns)

    def finish(self) -> Finished:
        """Finish the files; all that are."""
        for table, file in self._open.items():
            self._finished.append((table, file.close()))
        self._open = {}
        return self._finished

    def subfolder(self, name: str) -> Path:
        """A folder for another process's files, which go with this one's."""
        folder = self._folder / name
        folder.mkdir()
        return folder

    def adopt(self, finished: Finished) -> None:
        """Take another process's files for one's own."""
        self._finished += finished

    def tables(self) -> dict[str, list[Path]]:
        """Table -> its files."""
        found: dict[str, list[Path]] = {}
        for table, path in sorted(self.finish()):
            found.setdefault(table, []).append(path)
        return found


class Scratch:
    """Scratch tables of one attempt: loaded from staged files, dropped with them at the end."""

    def __init__(self, client: bigquery.Client, storage: Storage, prefix: str, attempt_id: str) -> None:
        self._client, self._storage = client, storage
        self._prefix, self._attempt = prefix.rstrip("/"), attempt_id.replace("-", "")
        self._uris: list[str] = []
        self._tables: list[str] = []

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        for table in self._tables:
            self._client.delete_table(f"{self._client.project}.{table}", not_found_ok=True)
        for uri in self._uris:
            self._storage.delete(uri)

    def load(self, name: str, files: Sequence[Path], schema: Schema) -> str:
        """Stage Parquet files and load them in one job; returns the scratch table, qualified with its dataset."""
        table = f"{SCRATCH}.{name}_{self._attempt}"
        self._tables.append(table)
        uris = [f"{self._prefix}/{self._attempt}/{name}_{number}.parquet" for number in range(len(files))]
        for uri, file in zip(uris, files, strict=True):
            self._uris.append(uri)
            self._storage.upload(uri, file)
        job_config = bigquery.LoadJobConfig(
            schema=list(schema),
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        self._client.load_table_from_uri(uris, f"{self._client.project}.{table}", job_config=job_config).result()
        return table

    def load_rows(self, name: str, rows: Iterable[dict[str, Any]], schema: Schema) -> str:
        """The same for a few rows at hand."""
        with RowFiles() as files:
            for row in rows:
                files.add(name, row, schema)
            return self.load(name, files.tables()[name], schema)
