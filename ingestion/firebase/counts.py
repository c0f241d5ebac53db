"""Records of an export as counted without the code that reads them -> ops.record_counts.

What is counted here and not loaded or quarantined is a loss that the check export_parity tells.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ingestion.base import LandedObject, Row

TABLE = "record_counts"
_LONGEST_DOCUMENT = 64 * 1024 * 1024
"""Bytes of a JSON document that is held whole to be counted; a longer one is not counted."""


def count_row(
    landed: LandedObject, stream: BinaryIO, wrapper: str | None = None, is_csv: bool = False
) -> Iterator[Row]:
    """One row with the number of records, from the stream's start; none where it can't be told.

    That is for an object that isn't whole or no JSON: its quarantine rows say so.
    """
    try:
        stream.seek(0)
        counted = _count_csv(stream) if is_csv else _count_json(stream, wrapper)
    except (EOFError, OSError, zlib.error, ValueError, RecursionError):
        return
    counted_by, records = counted
    source = {"source": landed.source, "dataset": landed.dataset}
    yield TABLE, source | {"counted_by": counted_by, "records": records}


def _count_csv(stream: BinaryIO) -> tuple[str, int]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        return "csv", sum(1 for cells in csv.reader(text) if cells)
    except csv.Error as error:
        raise ValueError("no CSV") from error
    finally:
        text.detach()  # the stream is the loader's to close


def _count_json(stream: BinaryIO, wrapper: str | None) -> tuple[str, int]:
    """Lines that aren't blank, where the first is a record by itself, else the elements of one JSON document."""
    lines = (line for line in stream if line.strip())
    first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
    try:
        value = json.loads(first or b"{}")
    except ValueError:
        value = None
    if isinstance(value, dict) and not isinstance(value.get(wrapper), list):
        return "lines", sum(1 for _ in lines) + bool(first)
    body = first + stream.read(_LONGEST_DOCUMENT)
    if len(body) >= _LONGEST_DOCUMENT:
        raise ValueError("too long")
    value = json.loads(body)  # fails for lists or wrappers, a line each
    if isinstance(value, dict):
        listed = value.get(wrapper)
        value = listed if isinstance(listed, list) else [value]
    if not isinstance(value, list):
        raise ValueError("no record")
    return "document", len(value)
