"""Managed Firestore exports: LevelDB logs of Datastore entities. Landed and kept; their reader isn't part of this yet.

The one reader on PyPI (leveldb-export) needs protobuf below 4, which the rest of the environment can't have beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row


def prepare_managed(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """No rows and one quarantine row without bytes: the object itself is the record of what waits."""
    reason = "the object is kept in the landing and awaits the managed-export reader"
    yield quarantine_row(landed, 0, "reader_missing", reason, b"")
