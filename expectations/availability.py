"""Whether there is anything to judge: marts.warehouse_metric_status says which metrics are missing or late, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.cloud import bigquery

from warehouse.window import Window, format_instant

STATUS = "marts.warehouse_metric_status"
ABSENT = {"off": "{source} is off", "not_on_platform": "the platform has none"}
UNSURE = {"never": "nothing of {source} was ever read", "late": "{source} is read until {until} only"}


@dataclass(frozen=True)
class Status:
    """A metric's standing with one of its sources; `covered_until` is how far the marts' build goes."""

    metric: str
    source: str
    state: str
    read_until: datetime | None
    covered_until: datetime


@dataclass(frozen=True)
class Standing:
    """Of the metrics that a rule needs: why none applies (None: at least one does), and what keeps it from a pass."""

    not_applicable: str | None = None
    unsure: str | None = None


def read_status(client: bigquery.Client) -> list[Status]:
    """All rows of the status. Raises GoogleAPIError."""
    columns = "metric, source, state, read_until, covered_until"
    return [Status(*row.values()) for row in client.query(f"select {columns} from {STATUS}").result()]


def standing(needs: Sequence[str], statuses: Sequence[Status], window: Window) -> Standing:
    """What the status means for a rule that needs these metrics ("M14", or "M7/solana" for one source of it).

    One metric that the platform has is enough to judge; nothing passes while one of those is late or was never read, or
    before the marts cover the window. A metric without any row can't be judged.
    """
    told: Mapping[str, list[Status]] = {need: _rows(need, statuses) for need in needs}
    if missing := [need for need, rows in told.items() if not rows]:
        return Standing(unsure=f"{STATUS} doesn't know {', '.join(missing)}")
    absent = {need: reason for need, rows in told.items() if (reason := _first(rows, ABSENT))}
    if len(absent) == len(needs):
        return Standing(not_applicable="; ".join(f"{need}: {reason}" for need, reason in absent.items()))
    held = {need: rows for need, rows in told.items() if need not in absent}
    for need, rows in held.items():
        if reason := _first(rows, UNSURE):
            return Standing(unsure=f"{need}: {reason}")
    until = min(row.covered_until for rows in held.values() for row in rows)
    if until < window.end:
        return Standing(unsure=f"the marts cover the data until {format_instant(until)} only")
    return Standing()


def _rows(need: str, statuses: Sequence[Status]) -> list[Status]:
    metric, _, source = need.partition("/")
    return [row for row in statuses if row.metric == metric and source in ("", row.source)]


def _first(rows: Sequence[Status], reasons: Mapping[str, str]) -> str | None:
    for row in rows:
        if row.state in reasons:
            until = format_instant(row.read_until) if row.read_until else ""
            return reasons[row.state].format(source=row.source, until=until)
    return None
