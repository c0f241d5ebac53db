"""Times of the sources, exact to the nanosecond: unix seconds, ms, us or ns as numbers or texts, and RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Unit = Literal["auto", "s", "ms", "us", "ns"]

_NANOS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1000
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1000 + 999
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_EXACT_FLOAT = 2.0**53  # beyond it neighbouring integers share a double


class BadTime(ValueError):
    """The value is no time, or not an exact one."""


class Instant(NamedTuple):
    """A point in time: whole nanoseconds since the epoch."""

    unix_nanos: int

    @property
    def at(self) -> datetime:
        """Aware UTC datetime, cut (never rounded up) to microseconds."""
        return _EPOCH + timedelta(microseconds=self.unix_nanos // 1000)

    @property
    def text(self) -> str:
        """ISO 8601 UTC text of `at`, as rows carry it."""
        seconds, nanos = divmod(self.unix_nanos, 1_000_000_000)
        return f"{_second(seconds)}.{nanos // 1000:06}Z" if nanos >= 1000 else f"{_second(seconds)}Z"

    @property
    def day(self) -> date:
        """UTC day."""
        return self.at.date()


@lru_cache(maxsize=10_000)
def _second(seconds: int) -> str:
    """ISO 8601 text of a second; the records of an object share few."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")


def instant(value: Any, unit: Unit = "auto") -> Instant:
    """The instant that a source states.

    Numbers, and texts that hold a number, count in `unit`; `auto` tells the unit by the size of the number (seconds
    below 10^11, ms below 10^14, us below 10^17, else ns), which is right for the years 1973 to 5138. Other texts are
    RFC 3339; a missing offset means UTC, also with a space for the `T` and ` UTC` for the `Z`.
    Raises BadTime; also for a float too large to be exact, and for years outside 1..9999.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadTime(f"a time must be a number or text, not {type(value).__name__}")
    if isinstance(value, str):
        found = _from_text(value.strip(), unit)
    elif isinstance(value, float):
        found = _from_float(value, unit)
    else:
        found = _from_number(value, unit)
    if not _FIRST <= found.unix_nanos <= _LAST:  # the range of datetime is the range of a timestamp column
        raise BadTime("the time is outside the years 1 to 9999")
    return found


def _from_text(text: str, unit: Unit) -> Instant:
    if _NUMBER.fullmatch(text):
        return _from_number(int(text) if text.lstrip("+-").isdigit() else Fraction(text), unit)
    match = _RFC3339.fullmatch(text)
    if not match:
        raise BadTime("the text is neither a number nor an RFC 3339 time")
    day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    leap = second == "60"  # a leap second is the first moment of the next minute
    try:
        start = datetime.fromisoformat(
            f"{day}T{hour or '00'}:{minute or '00'}:{'59' if leap else second or '00'}+00:00"
        )
    except ValueError:
        raise BadTime("the text is no calendar time") from None
    seconds = (start - _EPOCH) // timedelta(seconds=1) + leap
    if sign:
        if int(off_hour) > 23 or int(off_minute or 0) > 59:
            raise BadTime("the offset is out of range")
        offset = int(off_hour) * 3600 + int(off_minute or 0) * 60
        seconds += offset if sign == "-" else -offset
    return Instant(seconds * _NANOS["s"] + int((fraction or "")[:9].ljust(9, "0")))


def _from_float(value: float, unit: Unit) -> Instant:
    if not abs(value) < _EXACT_FLOAT:  # also false for nan
        raise BadTime("the number is a float too large to be exact")
    return _from_number(Fraction(repr(value)), unit)


def _from_number(value: int | Fraction, unit: Unit) -> Instant:
    size = abs(value)
    if size >= 10**24:
        raise BadTime("the number is too large for a time")
    if unit == "auto":
        unit = "s" if size < 10**11 else "ms" if size < 10**14 else "us" if size < 10**17 else "ns"
    return Instant(value * _NANOS[unit] if isinstance(value, int) else int(value * _NANOS[unit] // 1))
