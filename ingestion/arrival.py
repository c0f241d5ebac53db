"""What a source found -> landing: each content of a slice once, with an outcome row for every object and attempt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from ingestion.base import Context, LandedObject, NewObject, Source
from ingestion.errors import SourceUnavailable
from ingestion.landing import Received, object_uri, receive, slice_of, slice_uri, store
from ingestion.manifest import (
    Newest,
    Transition,
    newest_generations,
    objects_with_content,
    record_landed,
    seen_again,
)
from warehouse.window import Window

TOGETHER = 50
"""Objects of which the manifest is asked and told at once."""
TOGETHER_BYTES = 16 << 20
"""Bytes of such objects that wait in memory at most (a single larger one apart)."""

EMPTY = hashlib.sha256(b"").hexdigest()
"""Content of an empty object, which repeats nothing."""


def keep_all(source: Source, arriving: Iterable[NewObject], window: Window, ctx: Context) -> list[LandedObject]:
    """Store what arrives; returns the objects that are new and wait for their load.

    What came before a failure of the source is kept and recorded, then the failure is raised. An object that can't be
    copied stops no other: SourceUnavailable tells of it at the end.
    """
    landed: list[LandedObject] = []
    failed: list[str] = []
    for chunk, failure in _chunks(arriving):
        arrival = _Arrival(source, chunk, window, ctx)
        arrival.keep()
        landed += arrival.landed
        failed += arrival.failed
        if failure is not None:
            raise failure
    if failed:
        some = ", ".join(failed[:3])
        raise SourceUnavailable(f"{source.name}: {len(failed)} objects can't be copied, among them {some}")
    return [item for item in landed if item.duplicate_of is None]


def _chunks(arriving: Iterable[NewObject]) -> Iterator[tuple[list[NewObject], Exception | None]]:
    """Objects in groups, the last one with the failure that ended them."""
    chunk: list[NewObject] = []
    size = 0
    try:
        for new in arriving:
            chunk.append(new)
            size += len(new.body or b"")
            if len(chunk) == TOGETHER or size >= TOGETHER_BYTES:
                yield chunk, None
                chunk, size = [], 0
    except Exception as error:
        yield chunk, error
        return
    yield chunk, None


class _Arrival:
    """A group of objects on its way into the landing."""

    def __init__(self, source: Source, chunk: list[NewObject], window: Window, ctx: Context) -> None:
        self._source, self._chunk, self._window, self._ctx = source, chunk, window, ctx
        self.landed: list[LandedObject] = []
        self.failed: list[str] = []
        self._outcomes: list[Transition] = []

    def keep(self) -> None:
        """Store the new ones, then tell the manifest, also of those that failed."""
        if not self._chunk:
            return
        slices = [slice_uri(self._ctx.config.landing, self._source.name, new) for new in self._chunk]
        self._newest = newest_generations(self._ctx.client, self._source.name, sorted(set(slices)))
        try:
            for new, slice_ in zip(self._chunk, slices, strict=True):
                self._note(new, None, "discovered", "ok")
                try:
                    received = receive(new, self._ctx.filesystem)
                except OSError as error:
                    self.failed.append(new.origin_uri)
                    self._note(new, None, "landed", "failed", f"{type(error).__name__}: {error}".splitlines()[0])
                    continue
                with received:
                    self._keep(new, slice_, received)
        finally:
            self._record()

    def _keep(self, new: NewObject, slice_: str, received: Received) -> None:
        """Store one object unless the newest generation of its slice has the same content."""
        newest = self._newest.get(slice_)
        if newest is not None and newest.sha256 == received.sha256:
            if new.version != newest.origin_version:
                seen_again(self._ctx.client, newest.uri, new.version)
            self._note(new, newest.uri, "landed", "unchanged")
            return
        generation = newest.generation + 1 if newest else 1
        uri = object_uri(slice_, generation, received.sha256)
        store(self._ctx.filesystem, uri, received)
        dataset = self._source.datasets.get(new.dataset)
        self._newest[slice_] = Newest(uri, generation, received.sha256, new.version)
        self.landed.append(
            LandedObject(
                uri=uri,
                source=self._source.name,
                dataset=new.dataset,
                origin_uri=new.origin_uri,
                window=self._window,
                generation=generation,
                size_bytes=received.size,
                sha256=received.sha256,
                landed_at=datetime.now(UTC),
                content_sha256=received.content_sha256,
                origin_version=new.version,
                replaces=newest.uri if newest and dataset and dataset.immutable else None,
            )
        )

    def _record(self) -> None:
        """Manifest and outcome rows; a crash before it leaves objects in the landing that the next run names again."""
        self.landed = list(self._without_repeats())
        for item in self.landed:
            outcome = "duplicate" if item.duplicate_of else "conflict" if item.replaces else "ok"
            detail = item.duplicate_of or item.replaces or ""
            self._outcomes.append(
                Transition(item.source, item.dataset, item.origin_uri, item.uri, "landed", outcome, detail)
            )
        record_landed(self.landed, self._outcomes, self._ctx)

    def _without_repeats(self) -> Iterator[LandedObject]:
        """What was landed; a delivery repeated under another name is marked as such."""
        once = {name for name, dataset in self._source.datasets.items() if dataset.delivered_once}
        hashes = {item.content_sha256 for item in self.landed if item.dataset in once} - {None, EMPTY}
        known = objects_with_content(self._ctx.client, self._source.name, sorted(hashes)) if hashes else {}
        replaced = {item.replaces for item in self.landed}
        first = {key: found for key, found in known.items() if found[0] not in replaced}
        for item in self.landed:
            key = (item.dataset, item.content_sha256)
            if item.dataset in once and item.content_sha256 in hashes:
                uri, slice_ = first.setdefault(key, (item.uri, slice_of(item.uri)))
                if slice_ != slice_of(item.uri):
                    item = replace(item, duplicate_of=uri)
            yield item

    def _note(self, new: NewObject, uri: str | None, step: str, outcome: str, detail: str = "") -> None:
        self._outcomes.append(Transition(self._source.name, new.dataset, new.origin_uri, uri, step, outcome, detail))
