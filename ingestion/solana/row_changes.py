"""What differs between the rows that raw holds of a landed object and those that decoding it gives now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ingestion.base import Row
from ingestion.tables import table_schema
from warehouse.window import format_instant, parse_instant

KEYS = {
    "solana_transactions": ("signature",),
    "solana_events": ("event_key",),
    "canonical_events": ("canonical_key",),
    "solana_token_balances": ("signature", "account"),
    "solana_native_balances": ("signature", "account"),
    "quarantine": ("position", "reason_code", "signature", "quarantine_id"),
}
"""Tables that landed transactions fill, and what names a row of an object there for a person."""


_BYTES = "raw_sealed"  # the one column that may hold what a row must not show
_OF_THE_LOAD = ("_object_uri", "_landed_at", "first_seen_at", "last_seen_at")  # nothing that decoding gives
_LONGEST = 80
_REMEMBERED = 1000


@dataclass(frozen=True)
class Change:
    """One difference: a column's value, or a whole row that only one side has (`column` is empty then)."""

    table: str
    key: str
    column: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.table} {self.key} {self.column + ': ' if self.column else ''}{self.old} -> {self.new}"


@dataclass
class Comparison:
    """What decoding again found.

    `changes` are the first of all differences, `counts` the rows changed, gone and new. `differing` names the objects
    that differ, `stale` those with rows of a table, or of days, that decoding gives no more, `days` all days held.
    `waiting` objects were landed for the window and are not loaded yet, so there was nothing to compare.
    """

    objects: int = 0
    waiting: int = 0
    same: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    stale: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    days: set[str] = field(default_factory=set)

    def note(self, kind: str, changes: Iterable[Change]) -> None:
        """Count a row that differs and keep what differs while there is room."""
        self.counts[kind] += 1
        self.changes += list(changes)[: max(0, _REMEMBERED - len(self.changes))]

    def lines(self, limit: int) -> Iterator[str]:
        """The result for a person, at most `limit` differences."""
        if self.waiting:
            yield f"not compared: {self.waiting} objects that wait for their load"
        if not self.differing:
            yield f"the same: {self.same} rows of {self.objects} objects"
            return
        yield from map(str, self.changes[:limit])
        if len(self.changes) > limit:
            yield "..."
        counted = ", ".join(f"{self.counts[kind]} {kind}" for kind in ("changed", "gone", "new"))
        yield f"rows: {counted}, {self.same} the same; {len(self.differing)} of {self.objects} objects differ"


def compare_object(uri: str, held: Sequence[Row], decoded: Sequence[Row], result: Comparison) -> None:
    """Compare the rows of one object and add what is found to the result."""
    result.objects += 1
    old, new = _by_key(held), _by_key(decoded)
    before = sum(result.counts.values())
    for key in sorted(old.keys() | new.keys()):
        for at in range(max(len(old.get(key, ())), len(new.get(key, ())))):
            _compare_row(key[0], _at(old, key, at), _at(new, key, at), result)
    if sum(result.counts.values()) > before:
        result.differing.append(uri)
        result.days |= {str(row["_event_date"]) for _, row in held if row["_event_date"] is not None}
        fresh_tables, fresh_days = {table for table, _ in decoded}, {row["_event_date"] for _, row in decoded}
        for table, row in held:
            if table not in fresh_tables or str(row["_event_date"]) not in fresh_days:
                result.stale[table].add(uri)


def _compare_row(table: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, result: Comparison) -> None:
    if old is None or new is None:
        row, kind = (new, "new") if old is None else (old, "gone")
        sides = ("absent", "decoded") if old is None else ("held", "absent")
        result.note(kind, [Change(table, _name(table, row or {}), "", *sides)])
        return
    changes = [
        Change(table, _name(table, old), column, _shown(column, old[column]), _shown(column, new.get(column)))
        for column in old
        if old[column] != new.get(column)
    ]
    if changes:
        result.note("changed", changes)
    else:
        result.same += 1


_Key = tuple[str, ...]


def _by_key(rows: Iterable[Row]) -> dict[_Key, list[dict[str, Any]]]:
    """Comparable rows by table, line and key; equal keys in a fixed order."""
    found: defaultdict[_Key, list[dict[str, Any]]] = defaultdict(list)
    for table, row in rows:
        plain = {
            column.name: _plain(row.get(column.name), column.field_type)
            for column in table_schema(table)
            if column.name not in _OF_THE_LOAD
        }
        found[(table, f"{row['_line']:>12}", *(str(plain[name]) for name in KEYS[table]))].append(plain)
    for same in found.values():
        same.sort(key=repr)
    return found


def _at(rows: Mapping[_Key, list[dict[str, Any]]], key: _Key, at: int) -> dict[str, Any] | None:
    same = rows.get(key, [])
    return same[at] if at < len(same) else None


def _plain(value: Any, kind: str) -> Any:
    """A value as text, the same for a row as prepared and as read from the warehouse."""
    if value is None:
        return None
    if kind == "TIMESTAMP":
        return format_instant(value if isinstance(value, datetime) else parse_instant(value))
    if kind == "NUMERIC":
        return f"{Decimal(value).normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool) else str(value)


def _name(table: str, row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in KEYS[table] if row[name] is not None and name != "quarantine_id")


def _shown(column: str, value: Any) -> str:
    text = str(value)
    if column == _BYTES and value is not None:
        return f"{len(text)} characters"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
