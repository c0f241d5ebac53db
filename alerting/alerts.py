"""The state of alerts as a pure function: alerts and check results in, changed alerts out.

An alert is one rule with one set of labels. At most one is open for each; it fires when a failing row appears (or has
been there for the rule's pending time), stays as it is while the row is there, and is resolved by an evaluation that
looked at everything the alert is about and no longer reports it. An evaluation that failed resolves nothing: it raises
`check_error`. An alert that changes too often is flapping: it stays firing until it has been quiet for a while.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from expectations.results import CheckResult, FailingRow
from warehouse.config_alerting import SEVERITIES

CHECK_ERROR = "check_error"
CHECK_ERROR_RUNBOOK = "check-error.md"
State = Literal["pending", "firing", "acknowledged", "resolved", "cleared"]
"""`cleared`: what was pending went away before it fired; such an alert is forgotten, but for its history."""
OPEN = ("firing", "acknowledged")


@dataclass(frozen=True)
class Alert:
    """One row of ops.alerts; (alert_key, opened_at) tells it from every other.

    `window_start` and `window_end` span the windows of all evaluations that reported it. `changes` are the times at
    which this key was raised or resolved, as far back as flapping looks; `quiet_since` is since when a flapping one has
    not been reported. `told` is the last state that people were told, `told_at` when it was told that it fires,
    `told_to` by which channels, `thread` the key that all notifications of it share at their channels (None: only in
    a digest). `last_told_at` is `told_at` or, before it is told, that of the same key's last opening. `settled`: it
    is over and nothing more will be told.
    """

    alert_key: str
    rule: str
    severity: str
    labels: Mapping[str, str]
    state: State
    opened_at: datetime
    resolved_at: datetime | None
    last_seen_at: datetime
    window_start: datetime
    window_end: datetime
    summary: str
    figures: Mapping[str, Any]
    runbook: str
    run_id: str
    fired_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    flapping: bool = False
    quiet_since: datetime | None = None
    changes: tuple[datetime, ...] = ()
    told: str | None = None
    told_at: datetime | None = None
    told_severity: str | None = None
    told_to: tuple[str, ...] = ()
    last_told_at: datetime | None = None
    thread: str | None = None
    escalation: int = 0
    settled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it fires, acknowledged or not."""
        return self.state in OPEN

    @property
    def identity(self) -> tuple[str, datetime]:
        """Key of the row."""
        return self.alert_key, self.opened_at


@dataclass(frozen=True)
class Change:
    """An alert's new row, and whether it is news: `firing` when it fires now, `resolved`, or None for neither."""

    alert: Alert
    news: State | None


@dataclass(frozen=True)
class Damping:
    """How long a rule must fail before it fires, and when an alert is flapping (changes 0: never)."""

    pending: Mapping[str, timedelta] = field(default_factory=dict)
    changes: int = 0
    within: timedelta = timedelta(hours=1)
    quiet: timedelta = timedelta(minutes=30)

    def recent(self, changes: Iterable[datetime], now: datetime) -> tuple[datetime, ...]:
        """The changes that still count, with one at `now`."""
        return (*(at for at in changes if now - at < self.within), now)

    def is_flapping(self, changes: Sequence[datetime]) -> bool:
        """Whether so many changes are too many."""
        return 0 < self.changes <= len(changes)


def alert_key(rule: str, labels: Mapping[str, str]) -> str:
    """sha256 (hex) of the rule and its sorted labels."""
    identity = json.dumps([rule, sorted(labels.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()


def transition(latest: Iterable[Alert], results: Sequence[CheckResult], damping: Damping | None = None) -> list[Change]:
    """What changes when `results`, at most one a rule, arrive; in order of rule and labels.

    `latest` holds the newest row of each alert key that is open or that `results` report. All times are those of the
    evaluations, so the same results again change nothing, and an old run's results can't undo what a newer one found.
    Raises ValueError for two results of one rule.
    """
    if len({result.rule for result in results}) != len(results):
        raise ValueError("two results of one rule: windows are processed one after the other")
    known = {alert.alert_key: alert for alert in latest}
    changes = [change for result in results for change in _apply(result, known, damping or Damping())]
    return sorted(changes, key=lambda change: (change.alert.rule, sorted(change.alert.labels.items())))


def _apply(result: CheckResult, known: Mapping[str, Alert], damping: Damping) -> list[Change]:
    reported = reported_rows(result)
    seen = [_seen(known.get(key), result, rule, row, damping) for key, (rule, row) in reported.items()]
    over = [alert for key, alert in known.items() if key not in reported and _resolves(result, alert)]
    return [change for change in seen if change] + [_over(alert, result.evaluated_at, damping) for alert in over]


def _over(alert: Alert, at: datetime, damping: Damping) -> Change:
    """The alert after an evaluation at `at` that doesn't report it any more."""
    if alert.state == "pending":
        return Change(replace(alert, state="cleared", resolved_at=at), None)
    if alert.flapping:
        return after_quiet(replace(alert, quiet_since=alert.quiet_since or at), at, damping)
    changes = damping.recent(alert.changes, at)
    if damping.is_flapping(changes):
        return Change(replace(alert, changes=changes, flapping=True, quiet_since=at), None)
    return Change(replace(alert, state="resolved", resolved_at=at, changes=changes), "resolved")


def after_quiet(alert: Alert, now: datetime, damping: Damping) -> Change:
    """A flapping alert that is not reported: resolved once it has been quiet for long enough."""
    if alert.quiet_since is None or now - alert.quiet_since < damping.quiet:
        return Change(alert, None)
    return Change(replace(alert, state="resolved", resolved_at=now, changes=(), quiet_since=None), "resolved")


def reported_rows(result: CheckResult) -> dict[str, tuple[str, FailingRow]]:
    """Rule and failing row by alert key. Rows with equal labels are one alert, with their number."""
    if result.outcome == "error":
        labels = {"check": result.rule}
        row = FailingRow(
            labels, {"error": result.error or ""}, f"The check {result.rule} could not be evaluated: {result.error}"
        )
        return {alert_key(CHECK_ERROR, labels): (CHECK_ERROR, row)}
    reported: dict[str, tuple[str, FailingRow]] = {}
    for row in result.rows:
        key = alert_key(result.rule, row.labels)
        if key in reported:
            before = reported[key][1]
            count = before.figures.get("failing_rows", 1) + 1
            severity = min(before.severity or result.severity, row.severity or result.severity, key=SEVERITIES.index)
            row = replace(row, figures={**row.figures, "failing_rows": count}, severity=severity)
        reported[key] = (result.rule, row)
    return reported


def _seen(alert: Alert | None, result: CheckResult, rule: str, row: FailingRow, damping: Damping) -> Change | None:
    """The alert for a failing row: a new one, the open one seen again, or None when a later run has resolved it."""
    if alert is None or (alert.state == "resolved" and alert.resolved_at < result.evaluated_at):
        raised = _raised(result, rule, row, alert, damping)
        return Change(raised, "firing" if raised.state == "firing" else None)
    if alert.state == "resolved":
        return None
    newest = result.window.end >= alert.window_end and result.evaluated_at >= alert.last_seen_at
    seen = replace(
        alert,
        last_seen_at=max(alert.last_seen_at, result.evaluated_at),
        window_start=min(alert.window_start, result.window.start),
        window_end=max(alert.window_end, result.window.end),
    )
    if newest:
        severity = row.severity or result.severity
        seen = replace(seen, severity=severity, summary=row.summary, figures=dict(row.figures))
    if alert.quiet_since is not None and alert.quiet_since < result.evaluated_at:
        seen = replace(seen, quiet_since=None, changes=damping.recent(alert.changes, result.evaluated_at))
    if alert.state == "pending" and result.evaluated_at - alert.opened_at >= damping.pending.get(rule, timedelta(0)):
        changes = damping.recent(alert.changes, result.evaluated_at)
        flapping = damping.is_flapping(changes)
        fired = replace(seen, state="firing", fired_at=result.evaluated_at, changes=changes, flapping=flapping)
        return Change(fired, "firing")
    return Change(seen, None)


def _raised(result: CheckResult, rule: str, row: FailingRow, before: Alert | None, damping: Damping) -> Alert:
    """A new opening; `before` is the key's last one."""
    at = result.evaluated_at
    waits = damping.pending.get(rule, timedelta(0)) > timedelta(0)
    earlier = before.changes if before else ()
    changes = earlier if waits else damping.recent(earlier, at)
    return Alert(
        alert_key=alert_key(rule, row.labels),
        rule=rule,
        severity=row.severity or result.severity,
        labels=dict(row.labels),
        state="pending" if waits else "firing",
        opened_at=at,
        resolved_at=None,
        last_seen_at=at,
        window_start=result.window.start,
        window_end=result.window.end,
        summary=row.summary,
        figures=dict(row.figures),
        runbook=CHECK_ERROR_RUNBOOK if rule == CHECK_ERROR else result.runbook,
        run_id=result.run_id,
        fired_at=None if waits else at,
        flapping=damping.is_flapping(changes),
        changes=changes,
        last_told_at=before.last_told_at if before else None,
    )


def _resolves(result: CheckResult, alert: Alert) -> bool:
    """Whether `result`, which doesn't report `alert`, says that it is over."""
    if not (alert.is_open or alert.state == "pending") or result.outcome == "error":
        return False
    if result.window.end < alert.window_end or result.evaluated_at < alert.last_seen_at:
        return False
    if alert.rule == CHECK_ERROR:
        return alert.labels.get("check") == result.rule
    if alert.rule != result.rule or result.outcome == "not_applicable":  # nothing was judged
        return False
    return result.reads_from is None or result.reads_from <= alert.window_start
