"""Suppression windows: alerts that fit all matchers of a silence aren't told between its start and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting.matchers import Matcher, fit


@dataclass(frozen=True)
class Silence:
    """A row of ops.silences. `created_by` is a role or a name, never an address."""

    silence_id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    reason: str
    created_at: datetime

    def mutes(self, values: Mapping[str, str], now: datetime) -> bool:
        """Whether it holds at `now` for an alert with these labels."""
        return self.starts_at <= now < self.ends_at and fit(self.matchers, values)
