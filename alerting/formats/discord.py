"""Discord: body of an executed webhook, one embed; at most 25 fields and 6,000 characters in all."""

from __future__ import annotations

from typing import Any

from alerting.message import Message, shortened, words

COLORS = {"critical": 0xD92D20, "high": 0xF79009, "medium": 0xFAC515, "low": 0x98A2B3}
RESOLVED_COLOR = 0x12B76A
TITLE, DESCRIPTION, FIELD_NAME, FIELD_VALUE, FIELDS, TOTAL = 256, 3000, 256, 1024, 25, 6000


def payload(message: Message) -> dict[str, Any]:
    """The body. Nobody is mentioned, whatever the texts hold."""
    title = shortened(message.title, TITLE)
    description = shortened("\n".join([*_lines(message), *message.notes]), DESCRIPTION)
    room = TOTAL - len(title) - len(description)
    fields = []
    for name, value in _facts(message):
        field = {"name": shortened(name, FIELD_NAME), "value": shortened(value or "-", FIELD_VALUE), "inline": False}
        room -= len(field["name"]) + len(field["value"])
        if room < 0 or len(fields) == FIELDS:
            break
        fields.append(field)
    embed = {
        "title": title,
        "description": description,
        "color": RESOLVED_COLOR if message.kind == "resolved" else COLORS[message.severity],
        "timestamp": message.at,
        "fields": fields,
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _lines(message: Message) -> list[str]:
    if message.alerts == 1:
        return [message.items[0].summary]
    lines = [f"- {item.summary} (since {item.since})" for item in message.items]
    return lines + ([f"... and {message.alerts - len(lines)} more"] if message.alerts > len(lines) else [])


def _facts(message: Message) -> list[tuple[str, str]]:
    first = message.items[0]
    facts = [("Severity", message.severity), ("Since", first.since)]
    facts += [(name, value) for name, value in (("Resolved", first.resolved), ("Window", first.window)) if value]
    facts += [("Runbook", ", ".join(sorted({item.runbook for item in message.items})))]
    facts += [("Rows", ", ".join(sorted({item.rows for item in message.items if item.rows})))]
    if message.alerts > 1:
        return facts
    facts += [("Note", first.note)] if first.note else []
    return facts + [(words(name), value) for values in (first.labels, first.figures) for name, value in values.items()]
