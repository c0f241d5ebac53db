"""E-mail: plain text; the Message-ID follows from the notification, so that a repeat can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from email.message import EmailMessage

from alerting.message import Item, Message, shortened, words

SUBJECT = 180
DOMAIN = "alerts.escrow-warehouse"


def mail(message: Message, sender: str, to: Sequence[str]) -> EmailMessage:
    """The mail; mails of one thread refer to a common one, so that programs show them together."""
    letter = EmailMessage()
    letter["Subject"] = shortened(" ".join(message.text.split()), SUBJECT)
    letter["From"] = sender
    letter["To"] = ", ".join(to)
    letter["Message-ID"] = _identity(message.notification_id)
    letter["References"] = _identity(message.dedup_key)
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Alert-Severity"] = message.severity
    letter["X-Alert-Kind"] = message.kind
    more = message.alerts - len(message.items)
    parts = [*message.notes, *(_item(item) for item in message.items), *([f"... and {more} more"] if more else [])]
    letter.set_content("\n\n".join([message.title, *parts]) + "\n")
    return letter


def _identity(text: str) -> str:
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:40]}@{DOMAIN}>"


def _item(item: Item) -> str:
    facts = {
        "Rule": item.rule, "Severity": item.severity, "Since": item.since, "Resolved": item.resolved,
        "Window": item.window, "Runbook": item.runbook, "Rows": item.rows, "Note": item.note,
    }  # fmt: skip
    values = {words(name): value for name, value in (*item.labels.items(), *item.figures.items())}
    lines = [f"{name}: {value}" for name, value in {**values, **facts}.items() if value]
    return "\n".join([item.summary, *(f"  {line}" for line in lines)])
