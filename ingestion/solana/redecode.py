"""Landed transactions decoded again, without the network, and compared with the rows that raw holds of them.

Rows are a pure function of landed objects, IDLs and configuration. So decoding a window again gives the same rows, or
says what changed since: another IDL, another profile, another decoder.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ingestion.base import Context, LandedObject, Row, Source
from ingestion.landing import LandingCorrupt, open_received
from ingestion.load import Loaded, load_pending
from ingestion.manifest import objects_in_state
from ingestion.quarantine import sealed, stopped, unreadable_row
from ingestion.solana.row_changes import KEYS, Comparison, compare_object
from ingestion.tables import RAW
from warehouse.config import ConfigError
from warehouse.profile import Idl
from warehouse.window import Window

log = logging.getLogger(__name__)
DATASET = "transactions"
_BATCH_OBJECTS, _BATCH_BYTES = 200, 64 * 1024 * 1024


def with_idls(ctx: Context, files: Sequence[Path]) -> Context:
    """The context with other IDLs for the platform's program, of all slots; unchanged without any."""
    if not files:
        return ctx
    return replace(ctx, profile=ctx.profile.model_copy(update={"idl": tuple(Idl(file=file) for file in files)}))


def compare(source: Source, window: Window, ctx: Context) -> Comparison:
    """Decode every loaded object with transactions of the window's days again. Raises ConfigError, LandingCorrupt."""
    result = Comparison(waiting=sum(1 for landed in _of(ctx, "landed") if _overlap(landed.window, window)))
    for batch in _batches(_objects(ctx, {day.isoformat() for day in window.days()})):
        held = _held(ctx, batch)
        for landed, _ in batch:
            compare_object(landed.uri, held.get(landed.uri, []), list(_decoded(source, landed, ctx)), result)
    return result


def reload(source: Source, comparison: Comparison, ctx: Context) -> Loaded:
    """Load the objects that differ again, so that raw has what decoding them gives now; safe to kill at any instant."""
    for start in range(0, len(comparison.differing), _BATCH_OBJECTS):
        uris = comparison.differing[start : start + _BATCH_OBJECTS]
        ctx.client.query(_mark(uris, comparison)).result()
    return load_pending(source, ctx)


def _mark(uris: Sequence[str], comparison: Comparison) -> str:
    """The transaction: the objects wait for their load; rows that the load would not come upon are removed."""
    days = _in_days(comparison.days)
    statements = ["begin transaction;"]
    for table, stale in sorted(comparison.stale.items()):
        if chosen := [uri for uri in uris if uri in stale]:
            statements.append(f"delete from {RAW}.{table} where {days} and _object_uri in ({_texts(chosen)});")
    statements += [
        f"update ops.objects set state = 'landed', modelled_at = null where uri in ({_texts(uris)});",
        "commit transaction;",
    ]
    return "\n".join(statements)


def _objects(ctx: Context, days: set[str]) -> Iterator[tuple[LandedObject, list[str]]]:
    """Loaded objects with rows of these days, and all days that they have rows of."""
    held = {
        row["uri"]: json.loads(row["event_dates"])
        for row in ctx.query("select uri, event_dates from ops.objects where source = 'solana' and state = 'loaded'")
    }
    for landed in _of(ctx, "loaded"):
        if days.intersection(held.get(landed.uri, ())):
            yield landed, held[landed.uri]


def _of(ctx: Context, state: str) -> Iterator[LandedObject]:
    return (item for item in objects_in_state(ctx.client, "solana", state) if item.dataset == DATASET)


def _overlap(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


def _batches(objects: Iterable[tuple[LandedObject, list[str]]]) -> Iterator[list[tuple[LandedObject, list[str]]]]:
    batch: list[tuple[LandedObject, list[str]]] = []
    size = 0
    for item in objects:
        if batch and (len(batch) >= _BATCH_OBJECTS or size + item[0].size_bytes > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item[0].size_bytes
    if batch:
        yield batch


def _decoded(source: Source, landed: LandedObject, ctx: Context) -> Iterator[Row]:
    """Rows as a load of the object would write them now."""
    for table, columns in _prepared(source, landed, ctx):
        yield table, sealed(columns, ctx.sealer) if table == "quarantine" else columns


def _prepared(source: Source, landed: LandedObject, ctx: Context) -> Iterator[Row]:
    try:
        with open_received(ctx.filesystem, landed.uri, landed.sha256) as stream:
            yield from source.datasets[landed.dataset].prepare(landed, stream, ctx)
    except (ConfigError, LandingCorrupt):  # nothing is wrong with the rows that are held
        raise
    except Exception as error:  # as in a load: the object keeps its good rows, and a row says why it has no more
        log.exception("object can't be read to its end: %s", landed.uri)
        yield unreadable_row(landed, stopped(error))


def _held(ctx: Context, batch: Sequence[tuple[LandedObject, list[str]]]) -> dict[str, list[Row]]:
    """Rows of raw by object."""
    days = _in_days({day for _, held in batch for day in held})
    uris = _texts([landed.uri for landed, _ in batch])
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for table in KEYS:
        for row in ctx.query(f"select * from {RAW}.{table} where {days} and _object_uri in ({uris})"):
            rows[row["_object_uri"]].append((table, dict(row)))
    return rows


def _in_days(days: Iterable[str]) -> str:
    named = ", ".join(f"date '{day}'" for day in sorted(days))
    return f"(_event_date in ({named}) or _event_date is null)" if named else "_event_date is null"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(json.dumps(value) for value in values)  # a JSON string is a string literal of GoogleSQL
