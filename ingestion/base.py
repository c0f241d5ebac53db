"""The values that sources and the core of landing and loading exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from google.cloud import bigquery

from ingestion.privacy import Pseudonymizer
from ingestion.sealing import Sealer
from warehouse.config import Config
from warehouse.profile import Profile
from warehouse.window import Window

Row = tuple[str, dict[str, Any]]
"""(raw table, columns). Columns hold JSON values: str, int, bool, None; times as ISO 8601 UTC text, NUMERIC as text.

Must contain `_line` and `_event_date` (ISO date or None); the loader adds `_object_uri` and `_landed_at`.
"""


@dataclass(frozen=True)
class NewObject:
    """What a source received and wants kept: bytes exactly as received, or the address of an object to copy.

    `name` is the object's name below landing/<source>/<dataset>/ without hash and compression suffix. Objects with
    equal (dataset, name) are generations of one slice: equal content is kept once, other content is a new generation.
    `body` None: the object at `origin_uri` is copied, whatever its size. `version`: what the bucket says that changes
    with the content of `origin_uri` (a generation, a time of writing).
    """

    dataset: str
    name: str
    body: bytes | None
    origin_uri: str
    version: str = ""


@dataclass(frozen=True)
class LandedObject:
    """An object in the landing zone, as its manifest row (ops.objects) describes it.

    `content_sha256`: of the decompressed bytes, None where they can't be decompressed. `replaces`: the object before
    it in its slice, where having another content is a conflict. `duplicate_of`: an object of the same content under
    another name, where that is a repeated delivery. `stale_dates`, `stale_tables`: where an earlier load of it, or the
    object that it replaces, put rows; they are built again with its own.
    """

    uri: str
    source: str
    dataset: str
    origin_uri: str
    window: Window
    generation: int
    size_bytes: int
    sha256: str
    landed_at: datetime
    content_sha256: str | None = None
    origin_version: str = ""
    replaces: str | None = None
    duplicate_of: str | None = None
    stale_dates: frozenset[str] = frozenset()
    stale_tables: frozenset[str] = frozenset()


@dataclass
class Context:
    """What a source may use: configuration, profile, the warehouse (to read its own cursors), the pseudonym key.

    `sealer` is the loader's, for the original bytes of quarantine rows; None where nothing is loaded.
    """

    config: Config
    profile: Profile
    client: bigquery.Client
    filesystem: Any
    pseudonym: Pseudonymizer
    attempt_id: str
    secrets: Callable[[str], str | None]
    sealer: Sealer | None = None

    def query(self, sql: str, parameters: Iterable[bigquery.ScalarQueryParameter] = ()) -> list[Mapping[str, Any]]:
        """Rows of a query; tables must be qualified with their dataset."""
        job = self.client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters)))
        return [dict(row) for row in job.result()]


Land = Callable[[Window, Context], Iterator[NewObject]]
Verify = Callable[[Window, Context, int], Iterator[NewObject]]
Prepare = Callable[[LandedObject, BinaryIO, Context], Iterator[Row]]
MayBeCut = Callable[[bytes, LandedObject, Context], bool]


@dataclass(frozen=True)
class Dataset:
    """One kind of landed object and the pure function that turns it into raw rows and quarantine rows.

    `immutable`: the source never rewrites an object, so other content under its name is a conflict: recorded, alerted,
    both kept, and the newest counts. `delivered_once`: equal content under another name is the same delivery repeated;
    it is recorded and not loaded again. `may_be_cut`: whether an object with this first line holds a record a line,
    each for itself, so that pieces of it (cutting.Piece) may be prepared apart.
    """

    name: str
    prepare: Prepare
    immutable: bool = False
    delivered_once: bool = False
    may_be_cut: MayBeCut | None = None


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
