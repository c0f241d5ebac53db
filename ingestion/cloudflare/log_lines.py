"""The log lines of a Worker trace: cleaned of personal data, and the structured ones among them as rows.

Each line that is JSON is parsed once, for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.base import LandedObject, Row
from ingestion.cloudflare.audit import audit_row, is_audit, resembles_audit
from ingestion.cloudflare.worker_logs import LogReader
from ingestion.fields import BadRecord
from ingestion.jsontext import BadJson, dumps, loads
from ingestion.personal import Platform
from ingestion.quarantine import quarantine_row
from warehouse.worker_logs import WorkerLogs

_MESSAGES = ("Message", "message")


@dataclass
class Found:
    """What the log lines of one trace hold: their cleaned form, rows, and how many were errors and warnings."""

    logs: list[Any] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0


class LogLines:
    """Reads the log lines of one object's traces."""

    def __init__(self, landed: LandedObject, logs: WorkerLogs, rules: Platform) -> None:
        self._landed, self._rules = landed, rules
        self._reader = LogReader(logs, rules)
        self._marks = tuple({'"type"', f'"{logs.type_field}"'})

    def read(self, logs: list[Any], script: str | None, line: int) -> Found:
        """The log lines of the trace on `line`; a damaged structured one is a quarantine row."""
        found = Found()
        for place, log in enumerate(logs):
            if not isinstance(log, dict):
                found.logs.append(self._rules.clean.sparing(log))
                continue
            level = log.get("Level") or log.get("level")
            found.errors += level == "error"
            found.warnings += level == "warn" or level == "warning"
            name = "Message" if log.get("Message") is not None else "message"
            message = log.get(name)
            if message is None:
                found.logs.append(self._rules.clean.sparing(log))
                continue
            cleaned = self._rules.clean.sparing({**log, name: None})
            if isinstance(message, list):
                cleaned[name] = [
                    self._argument(argument, found, script, line, f"Logs[{place}].Message[{at}]")
                    for at, argument in enumerate(message)
                ]
            else:
                cleaned[name] = self._argument(message, found, script, line, f"Logs[{place}].Message[0]")
            found.logs.append(cleaned)
        return found

    def _argument(self, argument: Any, found: Found, script: str | None, line: int, place: str) -> Any:
        """An argument of a log call without personal data; a structured one adds its row to `found`."""
        if isinstance(argument, dict):
            cleaned = self._rules.clean.sparing(argument)
            if is_audit(argument) or self._reader.kind(argument):
                self._structured(argument, None, dumps(cleaned), found, script, line, place)
            return cleaned
        if not isinstance(argument, str):
            return self._rules.clean.sparing(argument)
        if argument[:1] != "{" and not (argument[:1].isspace() and argument.lstrip()[:1] == "{"):
            return self._rules.clean.sparing(argument)
        try:
            event = loads(argument.encode())
        except BadJson as bad:
            if any(mark in argument for mark in self._marks):
                self._damaged(argument, bad, found, line, place)
            return self._rules.text(argument)
        if not isinstance(event, dict):
            return self._rules.text(argument)
        cleaned = dumps(self._rules.clean.sparing(event))
        self._structured(event, argument, cleaned, found, script, line, place)
        return cleaned

    def _structured(
        self,
        event: Mapping[str, Any],
        text: str | None,
        cleaned: str,
        found: Found,
        script: str | None,
        line: int,
        place: str,
    ) -> None:
        try:
            if is_audit(event):
                found.rows.append(audit_row(event, line, self._rules))
            elif kind := self._reader.kind(event):
                found.rows.append(self._reader.row(kind, event, cleaned, script, line, place))
        except BadRecord as bad:
            original = (dumps(event) if text is None else text).encode("utf-8", "replace")
            found.rows.append(
                quarantine_row(
                    self._landed, line, bad.code, bad.reason, original, position=f"{place} {bad.position}".strip()
                )
            )

    def _damaged(self, text: str, bad: BadJson, found: Found, line: int, place: str) -> None:
        if resembles_audit(text):
            code, reason = "bad_audit_event", f"an audit event is {bad}"
        elif self._reader.resembles(text):
            code, reason = "bad_worker_log", f"a structured log line is {bad}"
        else:
            return
        original = text.encode("utf-8", "replace")
        found.rows.append(quarantine_row(self._landed, line, code, reason, original, position=place))
