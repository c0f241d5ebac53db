"""PagerDuty, Events API v2: trigger, acknowledge and resolve on the thread's key.

A thread may hold several alerts: it is resolved (acknowledged) when the last one is; until then its incident is updated
by another trigger on the same key.
"""

from __future__ import annotations

from typing import Any

from alerting.message import Message, shortened

SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
SUMMARY, DEDUP_KEY = 1024, 255


def event(message: Message, routing_key: str, source: str) -> dict[str, Any]:
    """The body of POST /v2/enqueue. `source` names the warehouse."""
    action = _action(message)
    head = {"routing_key": routing_key, "event_action": action, "dedup_key": message.dedup_key[:DEDUP_KEY]}
    if action != "trigger":
        return head
    links = {address for item in message.items for address in (item.runbook, item.rows)}
    return {
        **head,
        "client": "Escrow Warehouse",
        "links": [{"href": link, "text": link} for link in sorted(links) if link.startswith(("https://", "http://"))],
        "payload": {
            "summary": shortened(message.text, SUMMARY),
            "source": source,
            "severity": SEVERITIES[message.severity],
            "timestamp": message.at,
            "component": message.items[0].rows or message.items[0].rule,
            "group": message.items[0].rule,
            "class": message.kind,
            "custom_details": _details(message),
        },
    }


def _action(message: Message) -> str:
    if message.kind == "resolved" and message.still_open == 0:
        return "resolve"
    if message.kind == "acknowledged" and message.unacknowledged == 0:
        return "acknowledge"
    return "trigger"


def _details(message: Message) -> dict[str, Any]:
    return {
        "notification_id": message.notification_id,
        "alerts": message.alerts,
        "notes": list(message.notes),
        "items": [
            {
                "summary": item.summary,
                "since": item.since,
                "window": item.window,
                "state": item.state,
                "labels": dict(item.labels),
                "figures": dict(item.figures),
                "runbook": item.runbook,
                "rows": item.rows,
                "note": item.note,
            }
            for item in message.items
        ],
    }
