"""Slack: body of an incoming webhook, `text` for notifications and `blocks` for the message (at most 50 of them)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerting.message import Item, Message, shortened, words

MARKS = {
    "critical": ":rotating_light:",
    "high": ":warning:",
    "medium": ":large_yellow_circle:",
    "low": ":information_source:",
}
HEADER_LIMIT, TEXT_LIMIT, FIELD_LIMIT, FIELDS_A_SECTION = 150, 3000, 2000, 10


def payload(message: Message) -> dict[str, Any]:
    """The body."""
    mark = ":white_check_mark:" if message.kind == "resolved" else MARKS[message.severity]
    body = _one(message.items[0]) if message.alerts == 1 else _several(message)
    notes = [{"type": "mrkdwn", "text": escape(note)[:FIELD_LIMIT]} for note in message.notes[:FIELDS_A_SECTION]]
    return {
        "text": message.text,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": f"{mark} {message.title}"[:HEADER_LIMIT]}},
            *body,
            *([{"type": "context", "elements": notes}] if notes else []),
            {"type": "context", "elements": [{"type": "mrkdwn", "text": _where(message)[:FIELD_LIMIT]}]},
        ],
    }


def escape(text: str) -> str:
    """Text with the three characters that Slack reads as markup replaced."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one(item: Item) -> list[dict[str, Any]]:
    facts = {"Severity": item.severity, "Since": item.since, "Resolved": item.resolved, "Window": item.window}
    return [
        _section(item.summary),
        *_fields({name: value for name, value in facts.items() if value}),
        *_fields({words(name): value for name, value in item.labels.items()}),
        *_fields({words(name): value for name, value in item.figures.items()}),
        *([_section(item.note)] if item.note else []),
    ]


def _several(message: Message) -> list[dict[str, Any]]:
    blocks = []
    for item in message.items:
        ended = f", resolved {item.resolved}" if item.resolved else ""
        blocks.append(_section(f"{item.summary}\n{item.rule} ({item.severity}), since {item.since}{ended}"))
    if message.alerts > len(message.items):
        blocks.append(_section(f"... and {message.alerts - len(message.items)} more: python -m alerting list"))
    return blocks


def _where(message: Message) -> str:
    runbooks = sorted({item.runbook for item in message.items})
    rows = sorted({item.rows for item in message.items if item.rows})
    parts = [f"Runbook: {', '.join(runbooks)}"] + ([f"rows: {', '.join(rows)}"] if rows else [])
    return escape(" · ".join([*parts, f"alert {message.items[0].alert_key}"]))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": shortened(escape(text), TEXT_LIMIT)}}


def _fields(values: Mapping[str, str]) -> list[dict[str, Any]]:
    fields = [
        {"type": "mrkdwn", "text": f"*{escape(name)}*\n{escape(value)}"[:FIELD_LIMIT]} for name, value in values.items()
    ][:100]
    starts = range(0, len(fields), FIELDS_A_SECTION)
    return [{"type": "section", "fields": fields[start : start + FIELDS_A_SECTION]} for start in starts]
