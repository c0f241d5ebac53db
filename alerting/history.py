"""What happened to alerts between two states, as rows of ops.alert_events: append-only, one row a happening."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.alerts import Alert
from alerting.engine import EngineState, Notification


@dataclass(frozen=True)
class Event:
    """A row of ops.alert_events.

    `event`: pending, firing, acknowledged, resolved, cleared, severity, flapping, quiet, or told:<kind>. `actor` is
    who acknowledged it, `detail` the notification's id or what else belongs to it.
    """

    event_id: str
    alert_key: str
    opened_at: datetime
    happened_at: datetime
    event: str
    rule: str
    severity: str
    actor: str | None
    detail: str | None
    run_id: str


def events_between(
    before: EngineState, after: EngineState, told: Sequence[Notification], now: datetime, run_id: str
) -> list[Event]:
    """The happenings that lead from one state to the next, in order of alert. The same ones have the same ids."""
    events: list[Event] = []
    for key in sorted({*before.alerts, *after.alerts}):
        old, new = before.alerts.get(key), after.alerts.get(key)
        if old is not None and new is not None and old.opened_at != new.opened_at:
            old = None
        events += [
            _event(alert, name, now, run_id, alert.acknowledged_by if name == "acknowledged" else None, detail)
            for alert, name, detail in _happened(old, new)
        ]
    for notification in told:
        events += [
            _event(alert, f"told:{notification.kind}", now, run_id, None, notification.notification_id)
            for alert in notification.alerts
        ]
    return events


def _happened(old: Alert | None, new: Alert | None) -> Iterator[tuple[Alert, str, str | None]]:
    if new is None:
        if old is not None and old.state == "pending":
            yield old, "cleared", None
        return
    if old is None or old.state != new.state:
        yield new, new.state, new.summary if old is None else None
    if old is not None and old.severity != new.severity:
        yield new, "severity", f"{old.severity} to {new.severity}"
    was = old is not None and old.flapping
    if new.flapping and not was:
        yield new, "flapping", f"{len(new.changes)} changes"
    if was and new.state == "resolved":
        yield new, "quiet", None


def _event(alert: Alert, name: str, at: datetime, run_id: str, actor: str | None, detail: str | None) -> Event:
    identity = _identity([alert.alert_key, alert.opened_at.isoformat(), at.isoformat(), name, detail or ""])
    return Event(
        identity, alert.alert_key, alert.opened_at, at, name, alert.rule, alert.severity, actor, detail, run_id
    )


def _identity(parts: Iterable[str]) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
