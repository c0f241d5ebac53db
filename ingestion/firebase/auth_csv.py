"""The CSV form of `firebase auth:export`, which has no header line: users as the JSON form has them.

The exporter quotes commas but no line ends, and doesn't double quotes within a quoted name. So a line that is a whole
user is one, whatever stands before it, and lines that are none are joined until they are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, BinaryIO

from ingestion.fields import BadRecord
from ingestion.lines import Bad, Lines, Record

_COLUMNS = {0: "localId", 2: "emailVerified", 23: "createdAt", 24: "lastSignedInAt", 26: "disabled"}
_PROVIDERS = {7: "google.com", 11: "facebook.com", 15: "twitter.com", 19: "github.com"}
LEAST, MOST = 26, 30
"""Columns of a user: 27 or 28, and one more after the comma at the line's end."""
_LONGEST_USER = 32
"""Lines that one user may have."""


def csv_users(stream: BinaryIO) -> Iterator[Record | Bad]:
    """Users of the file; what is none comes without its bytes, which hold password hashes."""
    lines = Lines(stream)
    waiting: list[str] = []
    first = 0
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            yield from _bad(waiting, first)
            waiting = []
            yield Bad(number, b"", "invalid_utf8", "the bytes are not UTF-8")
            continue
        if not waiting and not text.strip():
            continue
        if (cells := _user([text])) is not None:
            yield from _bad(waiting, first)
            waiting = []
            yield _record(number, cells)
            continue
        first = first if waiting else number
        waiting.append(text)
        for start in range(len(waiting) - 1):
            if (cells := _user(waiting[start:])) is not None:
                yield from _bad(waiting[:start], first)
                yield _record(first + start, cells)
                waiting = []
                break
        if len(waiting) == _LONGEST_USER:
            yield from _bad(waiting, first)
            waiting = []
    yield from _bad(waiting, first)
    if lines.broken:
        yield Bad(lines.broken.line, b"", lines.broken.code, lines.broken.reason)


def _user(lines: list[str]) -> list[str] | None:
    """Cells of the lines, if they are one user and no quote is left open."""
    for text in (lines, ["".join(lines).replace("\n", " ").replace("\r", "")]):
        rest = iter([*text, "\0"])
        try:
            cells = next(csv.reader(rest), [])
        except csv.Error:
            continue
        if list(rest) == ["\0"] and LEAST <= len(cells) <= MOST:
            return cells
    return None


def _bad(lines: list[str], first: int) -> Iterator[Bad]:
    for number, text in enumerate(lines, first):
        if text.strip():
            yield Bad(number, b"", "bad_csv", f"the line is no user: a user has {LEAST} to {MOST} columns")


def _record(number: int, cells: list[str]) -> Record | Bad:
    user: dict[str, Any] = {name: cells[place] for place, name in _COLUMNS.items() if place < len(cells)}
    try:
        flags = {name: _flag(name, user[name]) for name in ("emailVerified", "disabled") if name in user}
    except BadRecord as bad:
        return Bad(number, b"", bad.code, bad.reason)
    linked = [{"providerId": name} for place, name in _PROVIDERS.items() if cells[place]]
    return Record(number, user | flags | {"providerUserInfo": linked}, b"")


def _flag(name: str, cell: str) -> bool | None:
    if cell not in ("true", "false", ""):
        raise BadRecord("wrong_type", f"{name} must be true or false", name)
    return cell == "true" if cell else None
