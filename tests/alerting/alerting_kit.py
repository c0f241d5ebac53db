"""Results and an engine that is driven by hand, for the tests of alerting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from alerting.engine import EngineState, Notification, step
from alerting.matchers import parse
from alerting.policy import Policy, Route
from alerting.silences import Silence
from expectations.results import CheckResult, FailingRow
from warehouse.window import Window

TABLES = ("alerts", "alert_events", "alert_engine", "notifications", "silences", "acknowledgements")
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
ALL = Policy(routes=(Route((), ("chat",)),))


def minute(n: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=n)


def found(
    rule: str, at: datetime, labels: Iterable[str] = (), severity: str = "critical", error: str | None = None
) -> CheckResult:
    """An evaluation of the state at `at` that reports a row for each label."""
    rows = tuple(FailingRow({"name": label}, {"count": 7}, f"{rule} of {label}") for label in labels)
    return CheckResult(
        run_id=f"run-{at:%Y%m%dT%H%M%S}",
        rule=rule,
        severity=severity,
        window=Window(NOON - timedelta(days=1), NOON),
        evaluated_at=at,
        outcome="error" if error else "failed" if rows else "passed",
        rows=rows,
        runbook=f"{rule.replace('_', '-')}.md",
        reads_from=None,
        error=error,
    )


def silence(start: datetime, end: datetime, *matchers: str) -> Silence:
    """A suppression window."""
    return Silence("s1", tuple(map(parse, matchers)), start, end, "on call", "maintenance", start)


class Engine:
    """The engine with its state, at a given policy."""

    def __init__(self, policy: Policy = ALL, state: EngineState | None = None) -> None:
        self.policy = policy
        self.state = state or EngineState()
        self.told: list[Notification] = []

    def at(self, now: datetime, *results: CheckResult) -> list[str]:
        """A step at `now`; `kind rule(s) label,label` of each notification."""
        self.state, told = step(self.state, results, now, self.policy)
        self.told += told
        return [brief(notification) for notification in told]

    def fails(self, n: float, *labels: str, rule: str = "r", severity: str = "critical") -> list[str]:
        """A step at minute `n` in which a rule reports these labels; none: it holds."""
        return self.at(minute(n), found(rule, minute(n), labels, severity))

    def tick(self, n: float) -> list[str]:
        """A step at minute `n` without results."""
        return self.at(minute(n))

    def states(self) -> dict[str, str]:
        """State by label."""
        return {"".join(alert.labels.values()): alert.state for alert in self.state.alerts.values()}


def brief(notification: Notification) -> str:
    """kind, rules and labels of a notification."""
    rules = "+".join(sorted({alert.rule for alert in notification.alerts}))
    labels = ",".join("".join(alert.labels.values()) for alert in notification.alerts)
    return f"{notification.kind} {rules} {labels}"


def emptied(client):
    """The client with empty alert tables."""
    client.query("".join(f"delete from ops.{table} where true; " for table in TABLES)).result()
    return client
