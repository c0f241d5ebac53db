"""Texts of notifications: Slack-compatible payloads that say what, how much, since when, where to look, what to do.

Only an alert's own labels and figures get in, and those hold aggregates and the platform's own addresses.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from alerting.alerts import Alert, State
from warehouse.window import Window, format_instant

MARKS = {
    "critical": ":rotating_light:",
    "high": ":warning:",
    "medium": ":large_yellow_circle:",
    "low": ":information_source:",
}
FIELD_LIMIT = 2000
HEADER_LIMIT = 150
FIELDS_A_SECTION = 10


def notification_id(alert: Alert, kind: State) -> str:
    """The same for each attempt and channel, so that a receiver can drop a repeat."""
    return f"{alert.alert_key}:{kind}:{format_instant(alert.opened_at)}"


def payload(alert: Alert, kind: State) -> dict[str, Any]:
    """Body of a Slack incoming webhook: `text` for notifications, `blocks` for the message, within Slack's limits."""
    mark = ":white_check_mark:" if kind == "resolved" else MARKS[alert.severity]
    title = f"{'RESOLVED' if kind == 'resolved' else alert.severity.upper()}: {alert.rule}"
    facts = {
        "Severity": alert.severity,
        "Since": _second(alert.opened_at),
        **({"Resolved": _second(alert.resolved_at)} if alert.resolved_at else {}),
        "Window": str(Window(alert.window_start, alert.window_end)),
    }
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{mark} {title}"[:HEADER_LIMIT], "emoji": True}},
        {"type": "section", "text": {"type": "mrkdwn", "text": escape(alert.summary)[:FIELD_LIMIT]}},
        *_fields(facts),
        *_fields({_words(name): value for name, value in alert.labels.items()}),
        *_fields({_words(name): value for name, value in alert.figures.items()}),
        {
            "type": "context",
            "elements": [
                {"type": "mrkdwn", "text": f"Runbook: runbooks/{alert.runbook} · alert {alert.alert_key[:12]}"}
            ],
        },
    ]
    return {"text": f"{title} - {alert.summary}", "blocks": blocks}


def escape(text: str) -> str:
    """Text with the three characters that Slack reads as markup replaced."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    fields = [
        {"type": "mrkdwn", "text": f"*{escape(name)}*\n{escape(_plain(value))}"[:FIELD_LIMIT]}
        for name, value in values.items()
    ]
    starts = range(0, len(fields), FIELDS_A_SECTION)
    return [{"type": "section", "fields": fields[start : start + FIELDS_A_SECTION]} for start in starts]


def _second(instant: datetime) -> str:
    return format_instant(instant.replace(microsecond=0))


def _words(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
