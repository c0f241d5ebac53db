"""landing -> raw: objects that are landed and not yet loaded become rows, exactly once.

Rows of many objects go through scratch tables in few load jobs; one transaction then replaces the objects' slices in
every raw table and marks the objects loaded. A crash before the commit leaves nothing behind; after it, nothing to do.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.cloud import bigquery

from ingestion.base import Context, LandedObject, Source
from ingestion.landing import open_received
from ingestion.manifest import objects_in_state
from ingestion.quarantine import quarantine_row
from ingestion.staging import RowFiles, Scratch
from ingestion.tables import OPS, RAW, table_schema
from warehouse.config import ConfigError
from warehouse.window import format_instant

log = logging.getLogger(__name__)
BATCH_BYTES = 256 * 1024 * 1024
"""Received bytes that one set of load jobs takes; few large loads stay far below BigQuery's daily load quota."""

LOADED_SCHEMA = [
    bigquery.SchemaField("uri", "STRING"),
    bigquery.SchemaField("rows_loaded", "INT64"),
    bigquery.SchemaField("rows_quarantined", "INT64"),
    bigquery.SchemaField("event_dates", "STRING"),
    bigquery.SchemaField("raw_tables", "STRING"),
]


@dataclass
class Loaded:
    """What a load did: objects, rows in raw tables (quarantine apart), quarantine rows, partitions touched."""

    objects: int = 0
    rows: int = 0
    quarantined: int = 0
    event_dates: set[str] = field(default_factory=set)

    def add(self, other: Loaded) -> None:
        """Take another load's figures in."""
        self.objects += other.objects
        self.rows += other.rows
        self.quarantined += other.quarantined
        self.event_dates |= other.event_dates


@dataclass
class _Count:
    rows: int = 0
    quarantined: int = 0
    dates: set[str | None] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)


def load_pending(source: Source, ctx: Context) -> Loaded:
    """Load every landed object of a source. Safe to repeat and to kill at any instant."""
    total = Loaded()
    for number, batch in enumerate(_batches(objects_in_state(ctx.client, source.name, "landed"))):
        counts = _load_batch(source, batch, ctx, f"{ctx.attempt_id}_{number}")
        total.objects += len(counts)
        total.rows += sum(count.rows for count in counts.values())
        total.quarantined += sum(count.quarantined for count in counts.values())
        total.event_dates |= {day for count in counts.values() for day in count.dates if day}
    return total


def _batches(objects: Sequence[LandedObject]) -> Iterator[list[LandedObject]]:
    batch: list[LandedObject] = []
    size = 0
    for landed in objects:
        if batch and size + landed.size_bytes > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(landed)
        size += landed.size_bytes
    if batch:
        yield batch


def _load_batch(source: Source, batch: Sequence[LandedObject], ctx: Context, name: str) -> dict[str, _Count]:
    counts = {landed.uri: _Count() for landed in batch}
    with RowFiles() as files, Scratch(ctx.client, ctx.filesystem, ctx.config.staging, name) as scratch:
        for landed in batch:
            _prepare(source, landed, ctx, files, counts[landed.uri])
        files.close()
        loaded = {table: scratch.load(table, path, table_schema(table)) for table, path in files.tables().items()}
        manifest = scratch.load_rows("loaded", (_summary(uri, count) for uri, count in counts.items()), LOADED_SCHEMA)
        dates = {day for count in counts.values() for day in count.dates}
        ctx.client.query(_swap(loaded, manifest, dates)).result()
    return counts


def _prepare(source: Source, landed: LandedObject, ctx: Context, files: RowFiles, count: _Count) -> None:
    """Rows of one object into the files. An object that breaks its reader keeps its good rows and is quarantined."""
    landed_at = format_instant(landed.landed_at)

    def add(table: str, columns: dict) -> None:
        columns["_object_uri"], columns["_landed_at"] = landed.uri, landed_at
        files.add(table, columns)
        count.dates.add(columns.get("_event_date"))
        count.tables.add(table)
        if table == "quarantine":
            count.quarantined += 1
        else:
            count.rows += 1

    try:
        with open_received(ctx.filesystem, landed.uri, landed.sha256) as stream:
            for table, columns in source.datasets[landed.dataset].prepare(landed, stream, ctx):
                add(table, columns)
    except ConfigError:  # the reader can't start: nothing is wrong with the object
        raise
    except Exception as error:  # one bad object must not stop the others: it is kept, named and can be replayed
        log.exception("object can't be read to its end: %s", landed.uri)
        add(*quarantine_row(landed, 0, "unreadable", f"the reader stopped: {type(error).__name__}", b""))


def _summary(uri: str, count: _Count) -> dict:
    return {
        "uri": uri,
        "rows_loaded": count.rows,
        "rows_quarantined": count.quarantined,
        "event_dates": json.dumps(sorted(day for day in count.dates if day)),
        "raw_tables": json.dumps(sorted(count.tables)),
    }


def _swap(loaded: dict[str, str], manifest: str, dates: set[str | None]) -> str:
    """The transaction: replace the objects' slices, then mark the objects loaded. Partitions are named as constants."""
    days = ", ".join(f"date '{day}'" for day in sorted(day for day in dates if day))
    partitions = " or ".join(filter(None, [f"_event_date in ({days})" if days else "", "_event_date is null"]))
    statements = ["begin transaction;"]
    for table, scratch in loaded.items():
        columns = ", ".join(f"`{column.name}`" for column in table_schema(table))
        statements += [
            f"delete from {RAW}.{table} where ({partitions}) and _object_uri in (select uri from {manifest});",
            f"insert into {RAW}.{table} ({columns}) select {columns} from {scratch};",
        ]
    now = format_instant(datetime.now(UTC))  # a fact about the load, never an input of a figure
    statements += [
        f"""update {OPS}.objects as held set state = 'loaded', rows_loaded = l.rows_loaded,
            rows_quarantined = l.rows_quarantined, event_dates = l.event_dates, raw_tables = l.raw_tables,
            loaded_at = timestamp '{now}'
            from {manifest} as l where held.uri = l.uri;""",
        "commit transaction;",
    ]
    return "\n".join(statements)
