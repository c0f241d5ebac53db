"""Pages of Stripe's lists, one at a time, and what an object of the landing holds of them."""

from __future__ import annotations

import hashlib
import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ingestion.base import NewObject
from ingestion.errors import SourceUnavailable
from ingestion.jsontext import dumps
from ingestion.stripe.client import Answer, Api, NotThere

PAGE = 100
PART_BYTES = 8 << 20
"""Size from which on the rest of a slice goes into another object."""


def pages(api: Api, path: str, start: datetime, end: datetime) -> Iterator[Answer]:
    """Every page of what was created in [start, end), newest first. Raises SourceUnavailable.

    Stripe's times are whole seconds, so both ends are rounded up. When the object that a page ended with is deleted
    before the next page is asked for, the reading goes on from its time: some objects come twice, none is left out.
    """
    created = {"gte": _seconds(start), "lt": _seconds(end)}
    parameters: dict[str, Any] = {"limit": PAGE, "created": created}
    last: dict[str, Any] = {}
    while True:
        try:
            answer = api.get(path, parameters)
        except NotThere:
            if "starting_after" not in parameters or not isinstance(last.get("created"), int):
                raise SourceUnavailable(f"stripe: {path} can't be listed: check sources.stripe.api_base") from None
            created = {"gte": created["gte"], "lt": last["created"] + 1}
            parameters = {"limit": PAGE, "created": created}
            continue
        data = answer.data
        if not isinstance(data, dict) or not isinstance(data.get("data"), list):
            raise SourceUnavailable(f"stripe: {path} answered no list: check sources.stripe.api_base")
        yield answer
        if not data.get("has_more"):
            return
        before, last = last, data["data"][-1] if data["data"] and isinstance(data["data"][-1], dict) else {}
        if not isinstance(last.get("id"), str) or last["id"] == before.get("id"):
            raise SourceUnavailable(f"stripe: {path} says there is more but names no object to go on from")
        parameters["starting_after"] = last["id"]


def _seconds(instant: datetime) -> int:
    return math.ceil(instant.timestamp())


class Slice:
    """Answers of one slice of the landing, as objects of bounded size.

    Full ones are called <name>.part0001, ..., the last one <name>: so that one is there, all are. A line is

        {"request": "/v1/charges?...", "api_version": "...", "account": "...", "body": "<text as received>"}

    (`common` is what all of them say, such as the API version) and holds nothing else that differs between two readings
    of the same answers.
    """

    def __init__(self, resource: str, name: str, account: str, common: Mapping[str, Any]) -> None:
        self.resource = resource
        self.name = name
        self.has_data = False
        self._common = dict(common)
        self._origin = f"stripe://{account}/v1/{resource}"
        self._lines: list[bytes] = []
        self._size = 0
        self._parts = 0

    def add(self, answer: Answer, **more: Any) -> Iterator[NewObject]:
        """Take an answer in; gives an object when one is full."""
        line = dumps({"request": answer.request, **self._common, **more, "body": answer.body.decode()}) + "\n"
        if self._size + len(line) > PART_BYTES:
            yield from self.cut()
        self._lines.append(line.encode())
        self._size += len(self._lines[-1])
        self.has_data = self.has_data or not isinstance(answer.data, dict) or answer.data.get("data") != []

    def cut(self) -> Iterator[NewObject]:
        """What has come so far, as a part."""
        if self._lines:
            self._parts += 1
            yield self._object(f"{self.name}.part{self._parts:04}")

    def close(self) -> Iterator[NewObject]:
        """What is left, as the last object."""
        if self._lines:
            yield self._object(self.name)

    def _object(self, name: str) -> NewObject:
        body = b"".join(self._lines)
        self._lines, self._size = [], 0
        return NewObject(dataset=self.resource, name=name, body=body, origin_uri=self._origin)


class Seen:
    """A set of ids in eight bytes each: a first load may list millions. Two ids are mixed up once in 10^13 look-ups."""

    def __init__(self) -> None:
        self._digests = array("Q")
        self._sorted = True

    def add(self, identity: str) -> None:
        """Take an id in."""
        self._digests.append(self._digest(identity))
        self._sorted = False

    def __contains__(self, identity: str) -> bool:
        if not self._sorted:
            self._digests, self._sorted = array("Q", sorted(self._digests)), True
        digest = self._digest(identity)
        place = bisect_left(self._digests, digest)
        return place < len(self._digests) and self._digests[place] == digest

    @staticmethod
    def _digest(identity: str) -> int:
        return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())
