"""When recorded data happened: the times inside export and log files, and the windows that cover them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.recorded_stripe import load_json

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

# Part of the input -> fields that hold a record's own time.
TIME_FIELDS = {
    "firestore_changelog": ("timestamp",),
    "auth_export": ("createdAt", "lastSignedInAt"),
    "cloud_logging": ("timestamp",),
    "http_requests": ("EdgeStartTimestamp", "EdgeEndTimestamp"),
    "workers_trace_events": ("EventTimestampMs",),
}


def instant(value: Any) -> datetime | None:
    """A time as sources write it: RFC 3339 text, or unix seconds, milli-, micro- or nanoseconds as number or text.

    None for what is no time, and for the time 0, which exports write where they know none. Other times are held
    within EARLIEST and LATEST.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    number: float | None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = None
    if number is None:
        try:
            parsed = datetime.fromisoformat(str(value).strip())
            parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return None if parsed.timestamp() == 0 else min(max(parsed, EARLIEST), LATEST)
    if number == 0 or number != number:
        return None
    # The unit follows from the size: seconds have 10 digits, nanoseconds 19.
    for limit, scale in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if abs(number) >= limit:
            number /= scale
            break
    if number >= LATEST.timestamp():
        return LATEST
    return max(datetime.fromtimestamp(max(number, EARLIEST.timestamp()), UTC), EARLIEST)


def times_in(part: str, path: Path) -> Iterator[datetime]:
    """Times of the records in an export or log file; none where the file cannot be read."""
    fields = TIME_FIELDS.get(part, ())
    if not fields:
        return
    for record in _records(path):
        for name in fields:
            found = instant(record.get(name))
            if found is not None:
                yield found


def _records(path: Path) -> Iterator[dict[str, Any]]:
    body = path.read_bytes()
    if body[:2] == b"\x1f\x8b":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return
    try:
        yield from _unwrapped(load_json(body))  # one JSON value: an array, an object with a list, or one record
        return
    except ValueError:
        pass
    for line in body.splitlines():
        try:
            yield from _unwrapped(load_json(line))
        except ValueError:
            continue


def _unwrapped(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _unwrapped(item)
    elif isinstance(value, dict):
        inner = next((value[key] for key in ("users", "events", "entries") if isinstance(value.get(key), list)), None)
        if inner is not None:
            yield from _unwrapped(inner)
        elif isinstance(value.get("json"), dict):
            yield value["json"]
        else:
            yield value


def window_of(times: Iterable[datetime]) -> tuple[datetime, datetime] | None:
    """Whole UTC days that cover the times, [start, end); None without times."""
    known = list(times)
    if not known:
        return None
    first, last = (at.replace(hour=0, minute=0, second=0, microsecond=0) for at in (min(known), max(known)))
    return first, last + timedelta(days=1)
