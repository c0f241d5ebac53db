"""Records that the warehouse itself lands of its reading (calls, coverage, proofs, ...), and the times in answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from ingestion.base import LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.answers import Unusable, parse_json
from warehouse.window import format_instant

Read = Callable[[dict[str, Any]], Iterable[tuple[str, dict[str, Any], str]]]
"""A record to (table, columns, the day it belongs to as an ISO date or time). A record of another form may raise
KeyError, TypeError, AttributeError or ValueError."""


def record_rows(landed: LandedObject, stream: BinaryIO, code: str, reason: str, read: Read) -> Iterator[Row]:
    """Rows of NDJSON records with the window of the run; a line that `read` can't use is quarantined."""
    window = {"window_start": format_instant(landed.window.start), "window_end": format_instant(landed.window.end)}
    for number, line in enumerate(stream, start=1):
        try:
            rows = [
                (table, columns | window | {"_line": number, "_event_date": _day(when)})
                for table, columns, when in read(parse_json(line))
            ]
        except (Unusable, KeyError, TypeError, ValueError, AttributeError):
            yield quarantine_row(landed, number, code, reason, line.rstrip(b"\n"))
            continue
        yield from rows


def instant(seconds: int | None) -> datetime | None:
    """UTC instant of a block time (unix seconds); None where the chain states none."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _day(when: str) -> str:
    return datetime.fromisoformat(when).date().isoformat()
