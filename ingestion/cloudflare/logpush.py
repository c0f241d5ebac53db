"""What both Logpush datasets share: files that are no logs, and the wrapper of the batch form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from ingestion.base import LandedObject, Row
from ingestion.lines import Record, prepared

WRAPPER = "events"
NOT_LOGS = ("ownership-challenge.txt", "test.txt.gz", "test.txt")
"""What Logpush writes when a job is set up: the ownership token, and an empty test upload."""


def log_rows(landed: LandedObject, stream: BinaryIO, convert: Callable[[Record], Iterable[Row]]) -> Iterator[Row]:
    """Rows of a Logpush object: NDJSON, or {"events": [...]}. Files that are no logs have none."""
    if landed.origin_uri.rpartition("/")[2].startswith(NOT_LOGS):
        return
    yield from prepared(landed, stream, convert, wrapper=WRAPPER)
