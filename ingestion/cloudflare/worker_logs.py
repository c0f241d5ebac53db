"""Structured log lines of Workers (docs/worker_logs.md) -> raw.worker_logs, by the platform's profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from ingestion import fields
from ingestion.base import Row
from ingestion.cloudflare.documented import whole
from ingestion.fields import BadRecord
from ingestion.personal import Platform
from warehouse.worker_logs import COMMON, KINDS, LogField, LogKind, WorkerLogs

TABLE = "worker_logs"
COLUMNS = sorted({name for kind in KINDS.values() for name in kind})
"""Columns of raw.worker_logs that a kind fills or leaves null."""

_LONGEST_MS = 10**12


class LogReader:
    """Rows of structured log lines, for one platform's names and rules."""

    def __init__(self, logs: WorkerLogs, rules: Platform) -> None:
        self._rules = rules
        self._kinds = logs.kind_of()
        self._plans = {kind: _plan(kind, logs.kinds.get(kind, LogKind())) for kind in KINDS}
        self._type_field = logs.type_field
        types = "|".join(map(re.escape, self._kinds))
        self._looks_like_one = re.compile(rf'"{re.escape(self._type_field)}"\s*:\s*"(?:{types})"')

    def kind(self, event: Mapping[str, Any]) -> str | None:
        """Kind of a log line, None for any other JSON."""
        value = event.get(self._type_field)
        return self._kinds.get(value) if isinstance(value, str) else None

    def resembles(self, text: str) -> bool:
        """Whether a text that is no JSON was meant to be a structured log line."""
        return self._looks_like_one.search(text) is not None

    def row(self, kind: str, event: Mapping[str, Any], cleaned: str, script: str | None, line: int, place: str) -> Row:
        """Row of one log line; `cleaned` is its JSON without personal data.

        Raises BadRecord for missing fields, wrong types and values that can't be.
        """
        columns: dict[str, Any] = dict.fromkeys(COLUMNS)
        for name, path, values, read, field in self._plans[kind]:
            given = event.get(path[0])
            for key in path[1:]:
                given = given.get(key) if isinstance(given, dict) else None
            if values and isinstance(given, str):
                given = values.get(given, given)
            columns[name] = read(name, given, field, self._rules)
        at, columns["at"] = columns["at"], columns["at"].text
        for name in ("created_at", "finalized_at", "submitted_at"):
            columns[name] = columns[name].text if columns[name] else None
        if kind == "webhook" and columns["attempt"] is None:
            columns["attempt"] = 1
        if kind == "confirmation":
            columns["outcome"] = columns["outcome"] or "finalized"
            if columns["outcome"] == "finalized" and columns["finalized_at"] is None:
                raise BadRecord("missing_field", "a transaction that became final needs finalized_at", "finalized_at")
        return TABLE, {
            **columns,
            "kind": kind,
            "service": columns["service"] or script,
            "position": place,
            "record": cleaned,
            "_line": line,
            "_event_date": at.day.isoformat(),
        }


_Reader = Callable[[str, Any, LogField, Platform], Any]
_Plan = list[tuple[str, list[str], Mapping[str, str], _Reader, LogField]]


def _plan(kind: str, mapping: LogKind) -> _Plan:
    """(column, keys to its value, other words for values, reader, field) of each field of a kind."""
    return [
        (name, mapping.fields.get(name, name).split("."), mapping.values.get(name, {}), _READERS[field.type], field)
        for name, field in (*COMMON.items(), *KINDS[kind].items())
    ]


def _text(name: str, value: Any, field: LogField, rules: Platform) -> str | None:
    text = fields.text({name: value}, name, required=field.required)
    if field.values and text not in field.values and text is not None:
        raise BadRecord("unknown_value", f"{name} must be one of {', '.join(field.values)}", name)
    return None if text is None else rules.clean.sparing(text)


def _path(name: str, value: Any, field: LogField, rules: Platform) -> str | None:
    text = fields.text({name: value}, name, required=field.required)
    return None if text is None else rules.path(text)


def _time(name: str, value: Any, field: LogField, rules: Platform) -> Any:
    return fields.time({name: value}, name, required=field.required)


def _whole(name: str, value: Any, field: LogField, rules: Platform) -> int | None:
    number = whole({name: value}, name, required=field.required)
    if number is not None and number < field.minimum:
        raise BadRecord("out_of_range", f"{name} must be {field.minimum} or more", name)
    return number


def _milliseconds(name: str, value: Any, field: LogField, rules: Platform) -> int | None:
    """Whole milliseconds; a clock's fractions are rounded."""
    if isinstance(value, float) and isfinite(value) and abs(value) < _LONGEST_MS:
        value = round(value)
    return _whole(name, value, field, rules)


_READERS: dict[str, _Reader] = {
    "text": _text,
    "path": _path,
    "time": _time,
    "whole": _whole,
    "milliseconds": _milliseconds,
}
