"""The state of alerts as a pure function: open alerts and check results in, changed alerts and what to tell out.

An alert is one rule with one set of labels. At most one is open for each; it fires when a failing row appears, stays
as it is while the row is there, and is resolved by an evaluation that looked at everything the alert is about and no
longer reports it. An evaluation that failed resolves nothing: it raises `check_error`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from expectations.results import CheckResult, FailingRow

CHECK_ERROR = "check_error"
CHECK_ERROR_RUNBOOK = "check-error.md"
State = Literal["firing", "resolved"]


@dataclass(frozen=True)
class Alert:
    """One row of ops.alerts; (alert_key, opened_at) tells it from every other.

    `window_start` and `window_end` span the windows of all evaluations that reported it.
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

    @property
    def identity(self) -> tuple[str, datetime]:
        """Key of the row."""
        return self.alert_key, self.opened_at


@dataclass(frozen=True)
class Change:
    """An alert's new row, and whether it is news: `firing` when it was raised, `resolved`, or None for neither."""

    alert: Alert
    news: State | None


def alert_key(rule: str, labels: Mapping[str, str]) -> str:
    """sha256 (hex) of the rule and its sorted labels."""
    identity = json.dumps([rule, sorted(labels.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()


def transition(latest: Iterable[Alert], results: Sequence[CheckResult]) -> list[Change]:
    """What changes when `results`, at most one a rule, arrive; in order of rule and labels.

    `latest` holds the newest row of each alert key that is open or that `results` report. All times are those of the
    evaluations, so the same results again change nothing, and an old run's results can't undo what a newer one found.
    Raises ValueError for two results of one rule.
    """
    if len({result.rule for result in results}) != len(results):
        raise ValueError("two results of one rule: windows are processed one after the other")
    known = {alert.alert_key: alert for alert in latest}
    changes = [change for result in results for change in _apply(result, known)]
    return sorted(changes, key=lambda change: (change.alert.rule, sorted(change.alert.labels.items())))


def _apply(result: CheckResult, known: Mapping[str, Alert]) -> list[Change]:
    reported = reported_rows(result)
    seen = [_seen(known.get(key), result, rule, row) for key, (rule, row) in reported.items()]
    over = [alert for key, alert in known.items() if key not in reported and _resolves(result, alert)]
    resolved = [Change(replace(a, state="resolved", resolved_at=result.evaluated_at), "resolved") for a in over]
    return [change for change in seen if change] + resolved


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
            count = reported[key][1].figures.get("failing_rows", 1) + 1
            row = replace(row, figures={**row.figures, "failing_rows": count})
        reported[key] = (result.rule, row)
    return reported


def _seen(alert: Alert | None, result: CheckResult, rule: str, row: FailingRow) -> Change | None:
    """The alert for a failing row: a new one, the open one seen again, or None when a later run has resolved it."""
    if alert is None or (alert.state == "resolved" and alert.resolved_at < result.evaluated_at):
        return Change(_raised(result, rule, row), "firing")
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
        seen = replace(seen, severity=result.severity, summary=row.summary, figures=dict(row.figures))
    return Change(seen, None)


def _raised(result: CheckResult, rule: str, row: FailingRow) -> Alert:
    return Alert(
        alert_key=alert_key(rule, row.labels),
        rule=rule,
        severity=result.severity,
        labels=dict(row.labels),
        state="firing",
        opened_at=result.evaluated_at,
        resolved_at=None,
        last_seen_at=result.evaluated_at,
        window_start=result.window.start,
        window_end=result.window.end,
        summary=row.summary,
        figures=dict(row.figures),
        runbook=CHECK_ERROR_RUNBOOK if rule == CHECK_ERROR else result.runbook,
        run_id=result.run_id,
    )


def _resolves(result: CheckResult, alert: Alert) -> bool:
    """Whether `result`, which doesn't report `alert`, says that it is over."""
    if alert.state != "firing" or result.outcome == "error":
        return False
    if result.window.end < alert.window_end or result.evaluated_at < alert.last_seen_at:
        return False
    if alert.rule == CHECK_ERROR:
        return alert.labels.get("check") == result.rule
    if alert.rule != result.rule:
        return False
    return result.reads_from is None or result.reads_from <= alert.window_start
