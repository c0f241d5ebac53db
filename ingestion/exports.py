"""Copies of exported files: which objects below a prefix are new, and their bytes as they are.

An object is known by its address, size and version (which changes when it is written again) in ops.objects; what is
known is not read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import BinaryIO

from google.cloud import bigquery

from ingestion.base import Context, LandedObject, NewObject, Row
from ingestion.quarantine import quarantine_row
from warehouse.storage import Found
from warehouse.window import Window

_LOGPUSH = re.compile(r"(?:^|/)(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z_")
_FOLDERS = re.compile(r"(?:^|/)(\d{4})/(\d\d)/(\d\d)(?:/(\d\d)(?!\d))?")
_DAY = re.compile(r"(?<![0-9A-Za-z])(\d{4})(-?)(\d\d)\2(\d\d)(?!\d)")
_YEARS = range(2000, 2100)  # other numbers of eight digits are no dates


def key_time(key: str) -> datetime | None:
    """The time that an object's key states, as exactly as it does; None for a key without a date.

    Logpush names (start of their window), YYYY/MM/DD[/HH] folders, YYYYMMDD and YYYY-MM-DD are read.
    """
    if match := _LOGPUSH.search(key):
        return _instant(*map(int, match.groups()))
    if match := _FOLDERS.search(key):
        return _instant(*(int(part) for part in match.groups() if part))
    if match := _DAY.search(key):
        return _instant(int(match[1]), int(match[3]), int(match[4]))
    return None


def key_day(landed: LandedObject) -> date | None:
    """The day in the key of a landed export, or None."""
    at = key_time(landed.origin_uri.rpartition("://")[2].partition("/")[2])
    return at.date() if at else None


def new_objects(
    source: str, dataset: str, prefix: str | None, window: Window, ctx: Context, first: date | None = None
) -> Iterator[NewObject]:
    """Objects below `prefix` that the landing doesn't have yet, or that were written again since.

    Left out are objects whose key states a time at or after the window's end, or before the day `first`; folders of
    such days are not listed. A null prefix is a part that the platform doesn't have.
    """
    if prefix is None:
        return
    root = prefix.rstrip("/") + "/"
    known = _known(source, dataset, ctx, first)
    for found in _listed(ctx, prefix, window, first):
        name = found.uri.removeprefix(root)
        at = key_time(name)
        if at is not None and (at >= window.end or (first is not None and at.date() < first)):
            continue
        if known.get(found.uri) != (found.size, found.version):
            yield NewObject(dataset, name, None, found.uri, found.version)


def _listed(ctx: Context, prefix: str, window: Window, first: date | None) -> Iterator[Found]:
    """Objects below a prefix; with `first`, folders that are named by a day outside the span are left out."""
    if first is None:
        yield from ctx.filesystem.list(prefix)
        return
    folders, objects = ctx.filesystem.children(prefix)
    yield from objects
    for folder in folders:
        at = key_time(folder.removeprefix(prefix.rstrip("/")))
        if at is None or (at < window.end and at.date() >= first):
            yield from ctx.filesystem.list(folder)


def unusable_objects(source: str, window: Window, ctx: Context) -> Iterator[NewObject]:
    """Files of a recording that no interface could serve: <sources.unusable>/<source>/..."""
    prefix = ctx.config.sources.unusable
    if prefix is not None:
        yield from new_objects(source, "unusable", f"{prefix.rstrip('/')}/{source}", window, ctx)


def prepare_unknown(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """One quarantine row for a file that belongs to no known export. Its bytes stay in the landing alone."""
    reason = "the file belongs to no export that this source knows; it is kept in the landing"
    yield quarantine_row(landed, 1, "unknown_export", reason, b"")


def _known(source: str, dataset: str, ctx: Context, first: date | None) -> dict[str, tuple[int, str]]:
    """Address in the source's bucket -> (size, version) of the newest generation landed of it.

    What is keyed at or after `first` was landed by a window that ended after it.
    """
    parameters = [
        bigquery.ScalarQueryParameter("source", "STRING", source),
        bigquery.ScalarQueryParameter("dataset", "STRING", dataset),
        bigquery.ScalarQueryParameter("first", "DATE", first),
    ]
    sql = (
        "select origin_uri, size_bytes, origin_version from ops.objects "
        "where source = @source and dataset = @dataset and (@first is null or date(window_end) >= @first) "
        "order by generation"
    )
    return {row["origin_uri"]: (row["size_bytes"], row["origin_version"] or "") for row in ctx.query(sql, parameters)}


def _instant(*parts: int) -> datetime | None:
    try:
        found = datetime(*parts, tzinfo=UTC)  # type: ignore[misc]
    except ValueError:
        return None
    return found if found.year in _YEARS else None
