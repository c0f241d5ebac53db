"""The values that sources and the core of landing and loading exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from google.cloud import bigquery

from ingestion.privacy import Pseudonymizer
from warehouse.config import Config
from warehouse.profile import Profile
from warehouse.window import Window

Row = tuple[str, dict[str, Any]]
"""(raw table, columns). Columns hold JSON values: str, int, bool, None; times as ISO 8601 UTC text, NUMERIC as text.

Must contain `_line` and `_event_date` (ISO date or None); the loader adds `_object_uri` and `_landed_at`.
"""


@dataclass(frozen=True)
class NewObject:
    """What a source received and wants kept: bytes exactly as received.

    `name` is the object's name below landing/<source>/<dataset>/ without hash and compression suffix. Objects with
    equal (dataset, name) are generations of one slice: equal content is kept once, other content is a new generation.
    """

    dataset: str
    name: str
    body: bytes
    origin_uri: str


@dataclass(frozen=True)
class LandedObject:
    """An object in the landing zone, as its manifest row (ops.objects) describes it."""

    uri: str
    source: str
    dataset: str
    origin_uri: str
    window: Window
    generation: int
    size_bytes: int
    sha256: str
    landed_at: datetime


@dataclass
class Context:
    """What a source may use: configuration, profile, the warehouse (to read its own cursors), the pseudonym key."""

    config: Config
    profile: Profile
    client: bigquery.Client
    filesystem: Any
    pseudonym: Pseudonymizer
    attempt_id: str
    secrets: Callable[[str], str | None]

    def query(self, sql: str, parameters: Iterable[bigquery.ScalarQueryParameter] = ()) -> list[Mapping[str, Any]]:
        """Rows of a query; tables must be qualified with their dataset."""
        job = self.client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters)))
        return [dict(row) for row in job.result()]


Land = Callable[[Window, Context], Iterator[NewObject]]
Verify = Callable[[Window, Context, int], Iterator[NewObject]]
Prepare = Callable[[LandedObject, BinaryIO, Context], Iterator[Row]]


@dataclass(frozen=True)
class Dataset:
    """One kind of landed object and the pure function that turns it into raw rows and quarantine rows."""

    name: str
    prepare: Prepare


@dataclass(frozen=True)
class Source:
    """A source: how to land a window, and its datasets by name.

    `verify`, where a source can prove what it loaded, is called with the turns 0 .. turns - 1 after the load; what it
    finds is landed and loaded before the next turn.
    """

    name: str
    land: Land
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    verify: Verify | None = None
    turns: int = 0
