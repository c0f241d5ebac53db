"""landing -> raw: objects that are landed and not yet loaded become rows, exactly once.

Rows of many objects go through scratch tables in few load jobs; one transaction then replaces the objects' slices in
every raw table and marks the objects loaded. A crash before the commit leaves nothing behind; after it, nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.cloud import bigquery

from ingestion.base import Context, LandedObject, Source
from ingestion.manifest import Transition, objects_in_state, record_transitions
from ingestion.prepare import Prepared
from ingestion.staging import RowFiles, Scratch
from ingestion.tables import OPS, RAW, home, table_schema
from ingestion.workers import prepare_batch
from warehouse.window import format_instant

BATCH_BYTES = 256 * 1024 * 1024
"""Received bytes that one set of load jobs takes; few large loads stay far below BigQuery's daily load quota."""

LOADED_SCHEMA = [
    bigquery.SchemaField("uri", "STRING"),
    bigquery.SchemaField("rows_loaded", "INT64"),
    bigquery.SchemaField("rows_quarantined", "INT64"),
    bigquery.SchemaField("event_dates", "STRING"),
    bigquery.SchemaField("raw_tables", "STRING"),
    bigquery.SchemaField("replaces", "STRING"),
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


def load_pending(source: Source, ctx: Context) -> Loaded:
    """Load every landed object of a source. Safe to repeat and to kill at any instant.

    Every object's outcome is recorded, also where its batch fails; the failure is raised after that.
    """
    total = Loaded()
    for number, batch in enumerate(_batches(objects_in_state(ctx.client, source.name, "landed"))):
        try:
            counts = _load_batch(source, batch, ctx, f"{ctx.attempt_id}_{number}")
        except Exception as error:
            detail = f"{type(error).__name__}: {error}".splitlines()[0]
            record_transitions([_transition(item, "failed", detail) for item in batch], ctx)
            raise
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


def _load_batch(source: Source, batch: Sequence[LandedObject], ctx: Context, name: str) -> dict[str, Prepared]:
    loaded_at = datetime.now(UTC)  # a fact about the load, never an input of a figure
    with RowFiles() as files, Scratch(ctx.client, ctx.filesystem, ctx.config.staging, name) as scratch:
        counts = prepare_batch(batch, source.datasets, ctx, files, loaded_at)
        loaded = {
            table: scratch.load(table, held, table_schema(table, home(table))) for table, held in files.tables().items()
        }
        manifest = scratch.load_rows("loaded", [_summary(item, counts[item.uri]) for item in batch], LOADED_SCHEMA)
        outcomes = [_loaded(item, counts[item.uri]).row(ctx.attempt_id, loaded_at) for item in batch]
        attempts = scratch.load_rows("attempts", outcomes, table_schema("object_attempts", OPS))
        stale = {table for landed in batch for table in landed.stale_tables}
        ctx.client.query(_swap(loaded, manifest, attempts, _dates(batch, counts), stale, loaded_at)).result()
    return counts


def _transition(landed: LandedObject, outcome: str, detail: str = "") -> Transition:
    return Transition(landed.source, landed.dataset, landed.origin_uri, landed.uri, "loaded", outcome, detail)


def _loaded(landed: LandedObject, count: Prepared) -> Transition:
    return _transition(landed, "unreadable" if count.unreadable else "ok", count.unreadable)


def _dates(batch: Sequence[LandedObject], counts: Mapping[str, Prepared]) -> set[str | None]:
    """Partitions that the batch's objects have rows in, or had."""
    fresh = {day for count in counts.values() for day in count.dates}
    return fresh.union(*(landed.stale_dates for landed in batch))


def _summary(landed: LandedObject, count: Prepared) -> dict:
    dates = {day for day in count.dates if day} | landed.stale_dates
    return {
        "uri": landed.uri,
        "rows_loaded": count.rows,
        "rows_quarantined": count.quarantined,
        "event_dates": json.dumps(sorted(dates)),
        "raw_tables": json.dumps(sorted(count.tables | landed.stale_tables)),  # what reads them is built again
        "replaces": landed.replaces,
    }


def _swap(
    loaded: dict[str, str], manifest: str, attempts: str, dates: set[str | None], stale: set[str], loaded_at: datetime
) -> str:
    """The transaction: replace the objects' slices, then mark the objects loaded. Partitions are named as constants."""
    days = ", ".join(f"date '{day}'" for day in sorted(day for day in dates if day))
    partitions = " or ".join(filter(None, [f"_event_date in ({days})" if days else "", "_event_date is null"]))
    statements = ["begin transaction;"]
    for table in sorted(loaded.keys() | stale):
        where = f"({partitions}) and " if home(table) == RAW else ""
        statements.append(
            f"delete from {home(table)}.{table} where {where}_object_uri in (select uri from {manifest});"
        )
        if table in loaded:
            columns = _columns(table, home(table))
            statements.append(f"insert into {home(table)}.{table} ({columns}) select {columns} from {loaded[table]};")
    columns = _columns("object_attempts", OPS)
    statements += [
        f"""update {OPS}.objects as held set state = 'loaded', rows_loaded = l.rows_loaded,
            rows_quarantined = l.rows_quarantined, event_dates = l.event_dates, raw_tables = l.raw_tables,
            loaded_at = timestamp '{format_instant(loaded_at)}', modelled_at = null
            from {manifest} as l where held.uri = l.uri;""",
        f"""update {OPS}.objects as held set superseded_by = l.uri
            from {manifest} as l where held.uri = l.replaces;""",
        f"insert into {OPS}.object_attempts ({columns}) select {columns} from {attempts};",
        "commit transaction;",
    ]
    return "\n".join(statements)


def _columns(table: str, dataset: str) -> str:
    return ", ".join(f"`{column.name}`" for column in table_schema(table, dataset))
