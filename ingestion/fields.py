"""Typed reading of a received record's fields; what has another type than it should is a bad record, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingestion.times import BadTime, Instant, Unit, instant

INT64 = 2**63
NUMERIC = 10**29  # integer digits of BigQuery's NUMERIC


class BadRecord(ValueError):
    """A record that can't become a row: reason code, a reason for a person (without the value), and where."""

    def __init__(self, code: str, reason: str, position: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.position = code, reason, position


def wrong_type(name: str, wanted: str, value: Any) -> BadRecord:
    """The error for a field of another type."""
    return BadRecord("wrong_type", f"{name} must be {wanted}, not {_kind(value)}", name)


def missing(name: str) -> BadRecord:
    """The error for a required field that is absent or null."""
    return BadRecord("missing_field", f"{name} is missing", name)


def text(record: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    """A text field; None where absent or null."""
    value = record.get(name)
    if value is None:
        return _absent(name, required)
    if not isinstance(value, str):
        raise wrong_type(name, "text", value)
    return value


def flag(record: Mapping[str, Any], name: str, *, required: bool = False) -> bool | None:
    """A boolean field."""
    value = record.get(name)
    if value is None:
        return _absent(name, required)
    if not isinstance(value, bool):
        raise wrong_type(name, "true or false", value)
    return value


def whole(record: Mapping[str, Any], name: str, *, required: bool = False) -> int | None:
    """An integer field that fits 64 bits. `12.0` is an integer, `"12"` and `true` are not."""
    value = record.get(name)
    if value is None:
        return _absent(name, required)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an integer", value)
    if not -INT64 <= value < INT64:
        raise BadRecord("out_of_range", f"{name} doesn't fit 64 bits", name)
    return value


def money(record: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    """An amount in minor or base units: a JSON integer (never a float, never text), as NUMERIC text."""
    value = record.get(name)
    if value is None:
        return _absent(name, required)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an integer in minor units", value)
    if abs(value) >= NUMERIC:
        raise BadRecord("out_of_range", f"{name} doesn't fit 29 digits", name)
    return str(value)


def time(record: Mapping[str, Any], name: str, unit: Unit = "auto", *, required: bool = False) -> Instant | None:
    """A time field in any of the sources' forms; `""` is as good as absent."""
    value = record.get(name)
    if value is None or value == "":
        return _absent(name, required)
    try:
        return instant(value, unit)
    except BadTime as error:
        raise BadRecord("bad_time", f"{name}: {error}", name) from None


def items(record: Mapping[str, Any], name: str) -> list[Any]:
    """A list field; empty where absent or null."""
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong_type(name, "a list", value)
    return value


def _absent(name: str, required: bool) -> None:
    if required:
        raise missing(name)


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
