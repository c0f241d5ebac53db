"""One ingest step: source -> landing -> raw for a window, with an outcome row for every attempt."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ingestion.arrival import keep_all
from ingestion.attempts import attempted
from ingestion.base import Context, Source
from ingestion.load import Loaded, load_pending
from ingestion.privacy import Pseudonymizer
from ingestion.sealing import Sealer
from warehouse import secrets
from warehouse.client import bigquery_client
from warehouse.config import Config, ConfigError
from warehouse.profile import load_profile
from warehouse.storage import filesystem
from warehouse.window import Window


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
        sealer=Sealer(key.encode()),
        attempt_id=uuid.uuid4().hex,
        secrets=secrets.lookup,
    )


def land(source: Source, window: Window, ctx: Context, run_id: str) -> int:
    """Land what the source has for the window; returns the number of new objects.

    Objects landed by an earlier attempt are loaded first, so that the source's own cursors see them.
    """

    def work() -> Loaded:
        load_pending(source, ctx)
        landed = keep_all(source, source.land(window, ctx), window, ctx)
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
                landed = keep_all(source, source.verify(window, ctx, turn), window, ctx)
            except Exception as error:  # what came before it is landed, and is loaded before the failure is told
                landed, failure = [], error
            total.add(load_pending(source, ctx))
            if failure is not None:
                raise failure
            if not landed:
                break
        return total

    return _attempted("verify", source, window, ctx, run_id, work)


def _attempted(
    step: str, source: Source, window: Window, ctx: Context, run_id: str, work: Callable[[], Loaded]
) -> Loaded:
    with attempted(ctx.client, step, window, run_id, source.name, f"{ctx.attempt_id}:{step}") as done:
        loaded = work()
        done.objects, done.rows_loaded, done.rows_quarantined = loaded.objects, loaded.rows, loaded.quarantined
        return loaded
