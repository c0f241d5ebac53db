"""Days of the sandbox, landed and loaded once in an embedded warehouse: what builds of the models are tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ingestion import run as ingest
from ingestion.sources import NAMES, source
from ingestion.tables import ensure_tables
from warehouse.client import bigquery_client
from warehouse.config import Config, load_config
from warehouse.services import Services
from warehouse.window import Window


@dataclass(frozen=True)
class Landed:
    """A platform's days, landed and loaded once in a warehouse of their own: the objects that a build may meet."""

    config: Config
    window: Window
    objects: tuple[Mapping[str, Any], ...] = field(repr=False)


@contextmanager
def landed_platform(days: int) -> Iterator[Landed]:
    """So many days of the sandbox in an embedded warehouse, landed and loaded and never built."""
    config = load_config()
    with Services(config) as services:
        services.start_warehouse()
        state = services.start_sandbox(options=["--days", str(days)])
        config = load_config()  # the sandbox's address is known only now
        client = bigquery_client(config)
        ensure_tables(client)
        window = Window.parse(state["window"]["start"], state["window"]["end"])
        for name in NAMES:
            for step in (ingest.land, ingest.load, ingest.verify):
                step(source(name), window, ingest.context(config), "landed")
        rows = client.query("select * from ops.objects where state = 'loaded' order by landed_at, uri").result()
        yield Landed(config, window, tuple(dict(row) for row in rows))
