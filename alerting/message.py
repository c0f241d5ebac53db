"""A notification as a channel-neutral message: what happened, how much, since when, where to look, what to do.

Only an alert's own labels and figures get in, and those hold aggregates and the platform's own addresses; free text is
scrubbed of addresses and secrets all the same. A message travels through the outbox as JSON; each channel forms it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from alerting.alerts import Alert
from alerting.engine import RANK, Notification
from ingestion.scrub import scrub_text
from warehouse.window import Window, format_instant

ITEMS = 20
SUMMARY_LIMIT = 1000
ONE, SEVERAL = (25, 500), (10, 100)
"""Labels (and figures) of an alert and characters of each, where a message is about one alert or about several: a
message stays below 100 kB, whatever the rules hand in."""


@dataclass(frozen=True)
class Links:
    """Addresses, or plain names where none is configured: {runbook}; {project}, {dataset} and {table}."""

    project: str
    runbook_url: str | None = None
    rows_url: str | None = None

    def runbook(self, name: str) -> str:
        """Where the runbook is."""
        return self.runbook_url.format(runbook=name) if self.runbook_url else f"runbooks/{name}"

    def rows(self, mart: str) -> str:
        """Where the rows are; "" where the mart isn't known."""
        dataset, _, table = mart.partition(".")
        if not mart or not self.rows_url:
            return mart
        return self.rows_url.format(project=self.project, dataset=dataset, table=table)


@dataclass(frozen=True)
class Item:
    """One alert of a message. Times are ISO 8601 UTC to the second; `resolved` is "" while it is open."""

    rule: str
    severity: str
    state: str
    summary: str
    since: str
    resolved: str
    window: str
    labels: Mapping[str, str]
    figures: Mapping[str, str]
    runbook: str
    rows: str
    alert_key: str
    note: str = ""


@dataclass(frozen=True)
class Message:
    """What a channel forms and sends. `items` are at most ITEMS of the `alerts` alerts that it is about."""

    notification_id: str
    dedup_key: str
    kind: str
    severity: str
    title: str
    at: str
    alerts: int
    items: tuple[Item, ...]
    still_open: int = 0
    unacknowledged: int = 0
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for lists, subjects and screens."""
        if self.alerts == 1:
            return f"{self.title} - {self.items[0].summary}"
        return f"{self.title} - {self.items[0].summary} (and {self.alerts - 1} more)"

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def with_note(self, note: str) -> Message:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def loads(text: str) -> Message:
    """A message from its JSON."""
    values = json.loads(text)
    items = tuple(Item(**item) for item in values["items"])
    return Message(**{**values, "items": items, "notes": tuple(values["notes"])})


def message_of(notification: Notification, links: Links, marts: Mapping[str, str]) -> Message:
    """The message of a notification; `marts` maps rules to the tables that they read."""
    alerts = sorted(notification.alerts, key=lambda alert: RANK[alert.severity])
    notes = []
    if notification.kind == "summary":
        notes.append(f"The limit of notifications an hour is reached; these alerts were held back: {_counts(alerts)}")
    if notification.kind == "digest":
        notes.append(f"Daily digest: {_counts(alerts)}")
    if notification.kind.startswith("escalated"):
        notes.append("Nobody has acknowledged it yet")
    if notification.kind in ("resolved", "acknowledged") and notification.still_open:
        notes.append(f"{notification.still_open} of the same group still open")
    return Message(
        notification_id=notification.notification_id,
        dedup_key=notification.dedup_key,
        kind=notification.kind,
        severity=notification.severity,
        title=_title(notification),
        at=second(notification.at),
        alerts=len(alerts),
        items=tuple(_item(alert, links, marts, *(ONE if len(alerts) == 1 else SEVERAL)) for alert in alerts[:ITEMS]),
        still_open=notification.still_open,
        unacknowledged=notification.unacknowledged,
        notes=tuple(notes),
    )


def trial(channel: str, at: datetime, links: Links) -> Message:
    """A test message to one channel."""
    item = Item(
        rule="test", severity="low", state="firing", summary=f"This is a test of channel {channel}; nothing is wrong",
        since=second(at), resolved="", window="", labels={"channel": channel}, figures={},
        runbook=links.runbook("index.md"), rows="", alert_key="test",
    )  # fmt: skip
    identity = f"test:{channel}:{format_instant(at)}"
    return Message(identity, identity, "test", "low", "TEST", second(at), 1, (item,))


def second(instant: datetime) -> str:
    """ISO 8601 UTC without a fraction."""
    return format_instant(instant.replace(microsecond=0))


def words(column: str) -> str:
    """A column's name for a person."""
    return column.replace("_", " ").capitalize()


def _title(notification: Notification) -> str:
    rules = sorted({alert.rule for alert in notification.alerts})
    what = rules[0] if len(rules) == 1 else f"{len(rules)} rules"
    count = len(notification.alerts)
    number = f" ({count} alerts)" if count > 1 else ""
    heads = {"resolved": "RESOLVED", "acknowledged": "ACKNOWLEDGED", "digest": "DIGEST", "summary": "LIMIT REACHED"}
    head = heads.get(notification.kind, notification.severity.upper())
    if notification.kind.startswith("escalated"):
        head = f"ESCALATED {notification.severity.upper()}"
    return f"{head}: {what}{number}"


def _counts(alerts: Sequence[Alert]) -> str:
    found = Counter((alert.severity, alert.rule, alert.state == "resolved") for alert in alerts)
    ordered = sorted(found.items(), key=lambda item: (RANK[item[0][0]], item[0][1:]))
    return ", ".join(
        f"{count} x {rule} ({severity}{', resolved' if over else ''})" for (severity, rule, over), count in ordered
    )


def _item(alert: Alert, links: Links, marts: Mapping[str, str], count: int, length: int) -> Item:
    note = ""
    if alert.flapping and alert.is_open:
        note = "It comes and goes; it stays open until it has been quiet for a while"
    if alert.state == "acknowledged":
        note = f"Acknowledged by {alert.acknowledged_by} at {second(alert.acknowledged_at)}"
    return Item(
        rule=alert.rule,
        severity=alert.severity,
        state=alert.state,
        summary=shortened(scrub_text(alert.summary), SUMMARY_LIMIT),
        since=second(alert.opened_at),
        resolved=second(alert.resolved_at) if alert.resolved_at else "",
        window=str(Window(alert.window_start, alert.window_end)),
        labels={name: shortened(value or "-", length) for name, value in [*alert.labels.items()][:count]},
        figures={name: shortened(_plain(value), length) for name, value in [*alert.figures.items()][:count]},
        runbook=links.runbook(alert.runbook),
        rows=links.rows(marts.get(alert.rule, "")),
        alert_key=alert.alert_key[:12],
        note=note,
    )


def shortened(text: str, limit: int) -> str:
    """The text, cut with a mark where it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return scrub_text(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
