"""Schema drift: fields of a source's records that its documentation doesn't name -> ops.schema_changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.base import LandedObject, Row

TABLE = "schema_changes"
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}


@dataclass
class _Seen:
    json_type: str
    first_line: int
    records: int = 0


class FieldWatch:
    """Counts the fields of one object's records that are not known. The records keep them all the same."""

    def __init__(self, landed: LandedObject, known: Collection[str]) -> None:
        self._landed, self._known = landed, frozenset(known)
        self._seen: dict[str, _Seen] = {}

    def see(self, record: Mapping[str, Any], line: int) -> None:
        """Look at a record's top-level fields."""
        if record.keys() <= self._known:
            return
        for name in record.keys() - self._known:
            seen = self._seen.setdefault(name, _Seen(_TYPES.get(type(record[name]), "null"), line))
            seen.records += 1

    def rows(self) -> Iterator[Row]:
        """A row for each unknown field."""
        for name, seen in sorted(self._seen.items()):
            yield change_row(self._landed, name, "new_field", seen.json_type, seen.records, seen.first_line)


def change_row(
    landed: LandedObject, field: str, change: str, json_type: str | None, records: int, first_line: int
) -> Row:
    """A row of ops.schema_changes: what one object shows."""
    return TABLE, {
        "source": landed.source,
        "dataset": landed.dataset,
        "field": field,
        "change": change,
        "json_type": json_type,
        "records": records,
        "first_line": first_line,
    }
