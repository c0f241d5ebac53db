"""The draft of a postmortem, in the form of runbooks/postmortem-template.md, from an incident and its record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2

from alerting.alerts import Alert
from alerting.incidents import Happening, Incident

HERE = Path(__file__).parent
WORDS = {
    "opened": "Incident opened: {detail}",
    "joined": "Alert joined: {detail}",
    "level": "Level: {detail}",
    "status": "Status: {detail}",
    "note": "{detail}",
    "impact": "Impact: {detail}",
    "root_cause": "Root cause written down",
    "prevention": "Prevention written down",
    "resolved": "Alert resolved: {detail}",
    "acknowledged": "Acknowledged: {detail}",
    "severity": "Alert's severity changed: {detail}",
    "flapping": "Alert is flapping: {detail}",
    "quiet": "Alert is quiet: {detail}",
}


def draft(incident: Incident, alerts: Sequence[Alert], record: Sequence[Happening]) -> str:
    """Markdown; the same incident gives the same text. What nobody has said yet stands as a question in <...>."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    acknowledged = [item for item in record if item.event == "acknowledged"]
    return environment.get_template("postmortem.md.j2").render(
        incident=incident,
        alerts=alerts,
        record=record,
        acknowledged=min((item.happened_at for item in acknowledged), default=None),
        stopped=_latest(alert.resolved_at for alert in alerts) if all(a.resolved_at for a in alerts) else None,
        runbooks=sorted({alert.runbook for alert in alerts}),
        words=in_words,
        time=instant,
        cell=cell,
    )


def in_words(item: Happening) -> str:
    """A happening as a line for people."""
    if item.event.startswith("told:"):
        return f"People were told ({item.event.removeprefix('told:')}): {item.detail}"
    return WORDS.get(item.event, item.event + ": {detail}").format(detail=item.detail or "")


def instant(at: datetime | None) -> str:
    """UTC to the second; a dash for none."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def cell(text: str) -> str:
    """Text that fits a Markdown table's cell."""
    return " ".join(text.replace("|", "\\|").split())


def _latest(times) -> datetime | None:
    return max(times, default=None)
