"""Rows into scratch tables by load jobs: the one way rows enter the warehouse."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import orjson
from google.cloud import bigquery

from ingestion.tables import SCRATCH
from warehouse.storage import Storage


class RowFiles:
    """Compressed NDJSON files, one a table, that grow as rows come; nothing is held in memory."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rows-")
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> RowFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._folder.cleanup()

    def add(self, table: str, columns: dict[str, Any]) -> None:
        """Append a row to its table's file."""
        if table not in self._files:
            self._files[table] = gzip.open(Path(self._folder.name) / table, "wb", compresslevel=1)  # noqa: SIM115 closed by close()
        self._files[table].write(orjson.dumps(columns, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()

    def tables(self) -> dict[str, Path]:
        """Table -> finished file."""
        return {table: Path(self._folder.name) / table for table in sorted(self._files)}


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

    def load(self, name: str, file: Path, schema: Sequence[bigquery.SchemaField]) -> str:
        """Stage a gzip NDJSON file and load it; returns the scratch table, qualified with its dataset."""
        uri = f"{self._prefix}/{self._attempt}/{name}.ndjson.gz"
        table = f"{SCRATCH}.{name}_{self._attempt}"
        self._uris.append(uri)
        self._tables.append(table)
        self._storage.upload(uri, file)
        job_config = bigquery.LoadJobConfig(
            schema=list(schema),
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        self._client.load_table_from_uri(uri, f"{self._client.project}.{table}", job_config=job_config).result()
        return table

    def load_rows(self, name: str, rows: Iterable[dict[str, Any]], schema: Sequence[bigquery.SchemaField]) -> str:
        """The same for a few rows at hand."""
        with RowFiles() as files:
            for row in rows:
                files.add(name, row)
            files.close()
            return self.load(name, files.tables()[name], schema)
