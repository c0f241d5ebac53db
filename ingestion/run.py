"""One ingest step: source -> landing -> raw for a window, with an outcome row for every attempt."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ingestion.base import Context, LandedObject, NewObject, Source
from ingestion.landing import content_hash, object_uri, slice_uri, store
from ingestion.load import Loaded, load_pending
from ingestion.manifest import Attempt, manifest_row, newest_generations, record_attempt
from ingestion.privacy import Pseudonymizer
from ingestion.staging import Scratch
from ingestion.tables import OPS, table_schema
from warehouse import secrets
from warehouse.client import bigquery_client
from warehouse.config import Config, ConfigError
from warehouse.profile import load_profile
from warehouse.storage import filesystem
from warehouse.window import Window

log = logging.getLogger(__name__)
RECORD_EVERY = 50
"""Objects after which the manifest is told, so that a run that is killed late has not landed for nothing."""


def context(config: Config) -> Context:
    """Everything a source needs. Raises ConfigError when the pseudonym key is missing."""
    key = secrets.lookup(config.pseudonym_key_env)
    if key is None:
        raise ConfigError(
            f"{config.pseudonym_key_env} is not set: it is the key of the pseudonyms (16 bytes or more); "
            "keep it, another key gives other pseudonyms"
        )
    return Context(
        config=config,
        profile=load_profile(config),
        client=bigquery_client(config),
        filesystem=filesystem(config),
        pseudonym=Pseudonymizer(key.encode()),
        attempt_id=uuid.uuid4().hex,
        secrets=secrets.lookup,
    )


def land(source: Source, window: Window, ctx: Context, run_id: str) -> int:
    """Land what the source has for the window; returns the number of new objects.

    Objects landed by an earlier attempt are loaded first, so that the source's own cursors see them.
    """

    def work() -> Loaded:
        load_pending(source, ctx)
        landed = _land_all(source, source.land(window, ctx), window, ctx)
        return Loaded(objects=len(landed))

    return _attempted("land", source, window, ctx, run_id, work).objects


def load(source: Source, window: Window, ctx: Context, run_id: str) -> Loaded:
    """Load every landed object of the source."""
    return _attempted("load", source, window, ctx, run_id, lambda: load_pending(source, ctx))


def verify(source: Source, window: Window, ctx: Context, run_id: str) -> Loaded:
    """Let a source prove what is loaded, and land and load what that brings; nothing for a source without proof."""
    if source.verify is None:
        return Loaded()

    def work() -> Loaded:
        total = load_pending(source, ctx)
        for turn in range(source.turns):
            failure: Exception | None = None
            try:
                landed = _land_all(source, source.verify(window, ctx, turn), window, ctx)
            except Exception as error:  # what came before it is landed, and is loaded before the failure is told
                landed, failure = [], error
            total.add(load_pending(source, ctx))
            if failure is not None:
                raise failure
            if not landed:
                break
        return total

    return _attempted("verify", source, window, ctx, run_id, work)


def _land_all(source: Source, arriving: Iterable[NewObject], window: Window, ctx: Context) -> list[LandedObject]:
    """Store objects as they come; the manifest names what arrived, also when the source fails half way."""
    generations = newest_generations(ctx.client, source.name)
    landed: list[LandedObject] = []
    recorded = 0
    try:
        for new in arriving:
            if (kept := _keep(source, new, window, ctx, generations)) is not None:
                landed.append(kept)
            if len(landed) - recorded >= RECORD_EVERY:
                _record(landed[recorded:], ctx)
                recorded = len(landed)
    finally:
        _record(landed[recorded:], ctx)
    return landed


def _keep(
    source: Source, new: NewObject, window: Window, ctx: Context, generations: dict[str, tuple[int, str]]
) -> LandedObject | None:
    """Store one object unless the newest generation of its slice has the same content."""
    digest = content_hash(new.body)
    slice_ = slice_uri(ctx.config.landing, source.name, new)
    generation, newest = generations.get(slice_, (0, ""))
    if digest == newest:
        return None
    uri = object_uri(slice_, generation + 1, digest)
    store(ctx.filesystem, uri, new.body)
    generations[slice_] = (generation + 1, digest)
    return LandedObject(
        uri=uri,
        source=source.name,
        dataset=new.dataset,
        origin_uri=new.origin_uri,
        window=window,
        generation=generation + 1,
        size_bytes=len(new.body),
        sha256=digest,
        landed_at=datetime.now(UTC),
    )


def _record(landed: list[LandedObject], ctx: Context) -> None:
    if not landed:
        return
    schema = table_schema("objects", OPS)
    columns = ", ".join(column.name for column in schema)
    with Scratch(ctx.client, ctx.filesystem, ctx.config.staging, f"{uuid.uuid4().hex}_landed") as scratch:
        table = scratch.load_rows("objects", (manifest_row(item) for item in landed), schema)
        ctx.client.query(
            f"insert into ops.objects ({columns}) select {columns} from {table} "
            "where uri not in (select uri from ops.objects)"
        ).result()


def _attempted(
    step: str, source: Source, window: Window, ctx: Context, run_id: str, work: Callable[[], Loaded]
) -> Loaded:
    """Run a step and write its outcome row, before raising when it failed."""
    started = datetime.now(UTC)
    done, failure = Loaded(), None
    try:
        done = work()
        return done
    except Exception as error:
        failure = error
        raise
    finally:
        detail = f"{type(failure).__name__}: {failure}".splitlines()[0] if failure else ""
        record_attempt(
            ctx.client,
            Attempt(
                attempt_id=f"{ctx.attempt_id}:{step}",
                run_id=run_id,
                step=step,
                source=source.name,
                window=window,
                started_at=started,
                ended_at=datetime.now(UTC),
                outcome="failed" if failure else "ok",
                detail=detail,
                objects=done.objects,
                rows_loaded=done.rows,
                rows_quarantined=done.quarantined,
            ),
        )
