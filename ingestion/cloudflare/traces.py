"""Logpush `workers_trace_events` -> raw.cloudflare_worker_traces, and their audit log -> raw.platform_audit_events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.cloudflare.audit import audit_row, audit_texts
from ingestion.cloudflare.logpush import log_rows
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.jsontext import dumps
from ingestion.lines import Record, in_their_case
from ingestion.personal import Platform, platform
from ingestion.privacy import scrub_text
from ingestion.quarantine import quarantine_row

TABLE = "cloudflare_worker_traces"
_FIELDS = {
    name.lower(): name
    for name in (
        "CPUTimeMs",
        "Event",
        "EventTimestampMs",
        "EventType",
        "Exceptions",
        "Logs",
        "Outcome",
        "ScriptName",
        "WallTimeMs",
    )
}


def prepare_traces(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of one object: a trace row a record, and a row for each audit event that its logs hold."""
    rules = platform(ctx)
    day = key_day(landed)

    def convert(record: Record) -> Iterator[Row]:
        trace = in_their_case(record.value, _FIELDS)
        if not set(_FIELDS.values()) & set(trace):
            raise BadRecord("not_a_trace", "the record has none of the fields of workers_trace_events")
        yield _row(record, trace, day, rules)
        for position, text in audit_texts(trace):
            try:
                yield audit_row(text, record.line, rules)
            except BadRecord as bad:
                place = f"{position} {bad.position}".strip()
                yield quarantine_row(landed, record.line, bad.code, bad.reason, text.encode(), position=place)

    return log_rows(landed, stream, convert)


def _row(record: Record, trace: Mapping[str, Any], named_day: date | None, rules: Platform) -> Row:
    at = fields.time(trace, "EventTimestampMs", "ms")
    day = at.day if at else named_day
    logs, exceptions = fields.items(trace, "Logs"), fields.items(trace, "Exceptions")
    cleaned = rules.clean(record.value)
    _keep_exception_names(cleaned, record.value)
    return TABLE, {
        "event_at": at.text if at else None,
        "script_name": fields.text(trace, "ScriptName"),
        "event_type": fields.text(trace, "EventType"),
        "outcome": fields.text(trace, "Outcome"),
        "cpu_ms": fields.whole(trace, "CPUTimeMs"),
        "wall_ms": fields.whole(trace, "WallTimeMs"),
        "log_count": len(logs),
        "exception_count": len(exceptions),
        "record": dumps(cleaned),
        "_line": record.line,
        "_event_date": day.isoformat() if day else None,
    }


def _keep_exception_names(cleaned: dict[str, Any], received: Mapping[str, Any]) -> None:
    """An exception's Name is its class and no person's name."""
    for key, value in received.items():
        if key.lower() == "exceptions" and isinstance(value, list):
            for place, item in enumerate(value):
                for name in item if isinstance(item, dict) else ():
                    if name.lower() == "name" and isinstance(item[name], str):
                        cleaned[key][place][name] = scrub_text(item[name])
