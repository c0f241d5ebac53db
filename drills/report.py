"""The drill's evidence as values of JSON, and as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from drills.cycles import Left
from drills.judge import Judged
from drills.receivers import Receipt

HERE = Path(__file__).parent
STYLE = HERE.parent / "reporting" / "style.css"
_OF_ALERT = ("alert_key", "rule", "severity", "labels", "summary", "runbook", "state", "opened_at", "resolved_at")
_OF_NOTIFICATION = ("channel", "kind", "state", "queued_at", "sent_at", "attempts", "instead_of")


def evidence(
    judged: Sequence[Judged], cycles: Sequence[Left], receipts: Sequence[Receipt], others: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything that the page shows, as values of JSON. Requests' bodies are left out."""
    document = {
        "started": cycles[0].started,
        "ended": cycles[-1].ended,
        "passed": sum(item.passed for item in judged),
        "exercises": [
            {
                **asdict(item.exercise),
                "passed": item.passed,
                "checks": [asdict(check) for check in item.checks],
                "alert": _only(item.alert, _OF_ALERT) if item.alert else None,
                "told": [_only(row, _OF_NOTIFICATION) for row in item.told],
                "verified": [asdict(each) for each in item.verified],
            }
            for item in judged
        ],
        "cycles": [
            {
                **asdict(left.cycle),
                "number": left.number,
                "started": left.started,
                "ended": left.ended,
                "exit_code": left.exit_code,
                "opened": sum(row["opened_at"] >= left.started for row in left.alerts),
                "still_open": sum(row["state"] in ("firing", "acknowledged") for row in left.alerts),
                "requests": _counted(receipts, left),
            }
            for left in cycles
        ],
        "others": [_only(row, _OF_ALERT) for row in others],
    }
    return json.loads(json.dumps(document, default=_text))


def render(document: Mapping[str, Any]) -> str:
    """The page of a drill's evidence; the same evidence gives the same text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        drill=document, style=Markup(STYLE.read_text(encoding="utf-8")), time=_time, seconds=_seconds
    )


def _counted(receipts: Sequence[Receipt], left: Left) -> dict[str, dict[str, int]]:
    """Requests that came during the cycle by channel: taken and refused."""
    counts: dict[str, dict[str, int]] = {}
    for item in receipts:
        if left.started <= item.at <= left.ended:
            of = counts.setdefault(item.channel, {"taken": 0, "refused": 0})
            of["taken" if item.status < 300 else "refused"] += 1
    return dict(sorted(counts.items()))


def _only(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _time(text: str | None) -> str:
    return datetime.fromisoformat(text).strftime("%H:%M:%S") if text else "-"


def _seconds(start: str, end: str) -> int:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
