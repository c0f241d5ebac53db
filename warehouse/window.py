"""Time windows. Every step works on an explicit half-open window; nothing asks the clock what to work on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


class WindowError(ValueError):
    """The text or the pair of instants is no window."""


def parse_instant(text: str) -> datetime:
    """ISO 8601 text to an aware UTC datetime; a bare date is its midnight, a missing offset is UTC.

    Raises WindowError when the text is no ISO 8601 date or time.
    """
    try:
        parsed = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise WindowError(f"not an ISO 8601 time: {text!r}") from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """UTC ISO 8601 with a trailing Z; microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, order=True)
class Window:
    """The half-open interval [start, end), both aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise WindowError("a window needs aware datetimes")
        if self.start >= self.end:
            raise WindowError(f"empty window: {self.start.isoformat()} is not before {self.end.isoformat()}")

    @classmethod
    def parse(cls, start: str, end: str) -> Window:
        """Window from two ISO 8601 texts. Raises WindowError."""
        return cls(parse_instant(start), parse_instant(end))

    def __str__(self) -> str:
        return f"{format_instant(self.start)}/{format_instant(self.end)}"

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def days(self) -> list[date]:
        """UTC days that the window touches, in order."""
        first = self.start.astimezone(UTC).date()
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    @property
    def slug(self) -> str:
        """Form for object names: 20261005T000000Z_20261009T000000Z."""
        return "_".join(t.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for t in (self.start, self.end))
