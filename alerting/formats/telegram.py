"""Telegram: parameters of sendMessage, HTML with every text escaped, at most 4,096 characters, whole lines only."""

from __future__ import annotations

from html import escape
from typing import Any

from alerting.message import Message, words

LIMIT = 4096
LINE = 700


def payload(message: Message, chat_id: str) -> dict[str, Any]:
    """The parameters."""
    lines, used = [], 0
    for line in _lines(message):
        used += len(line) + 1
        if used > LIMIT - 2:
            lines.append("…")
            break
        lines.append(line)
    return {
        "chat_id": chat_id,
        "text": "\n".join(lines),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _lines(message: Message) -> list[str]:
    first = message.items[0]
    runbooks = ", ".join(sorted({item.runbook for item in message.items}))
    rows = ", ".join(sorted({item.rows for item in message.items if item.rows}))
    last = [f"Runbook: {_text(runbooks)}"] + ([f"Rows: {_text(rows)}"] if rows else [])
    head = [f"<b>{_text(message.title)}</b>", *(_text(note) for note in message.notes)]
    if message.alerts > 1:
        listed = [f"• {_text(item.summary)} (since {item.since})" for item in message.items]
        more = message.alerts - len(message.items)
        return [*head, *last, *listed, *([f"… and {more} more"] if more else [])]
    facts = {"Since": first.since, "Resolved": first.resolved, "Window": first.window, "Note": first.note}
    values = {words(name): value for name, value in (*first.labels.items(), *first.figures.items())}
    told = [f"<b>{_text(name)}</b>: {_text(value)}" for name, value in {**facts, **values}.items() if value]
    return [*head, _text(first.summary), *last, *told]


def _text(text: str) -> str:
    return escape(text[:LINE], quote=False)
