"""Logpush `workers_trace_events` -> raw.cloudflare_worker_traces, and what their log lines hold.

Audit events become raw.platform_audit_events, other structured log lines raw.worker_logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.cloudflare.documented import documented, whole
from ingestion.cloudflare.log_lines import Found, LogLines
from ingestion.cloudflare.logpush import log_rows
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.jsontext import dumps
from ingestion.lines import Record, in_their_case
from ingestion.personal import Platform, platform
from ingestion.privacy import scrub_text

TABLE = "cloudflare_worker_traces"


def prepare_traces(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of one object: a trace row a record, and a row for each structured line that its logs hold."""
    rules = platform(ctx)
    named = key_day(landed)
    day = named.isoformat() if named else None
    known = documented("workers_trace_events")
    lines = LogLines(landed, ctx.profile.worker_logs, rules)

    def convert(record: Record) -> list[Row]:
        trace = record.value
        if not trace.keys() <= known.types.keys():
            trace = in_their_case(trace, known.spelling)
            if known.types.keys().isdisjoint(trace):
                raise BadRecord("not_a_trace", "the record has none of the fields of workers_trace_events")
        found = lines.read(fields.items(trace, "Logs"), fields.text(trace, "ScriptName"), record.line)
        return [_row(record, trace, found, day, rules), *found.rows]

    return log_rows(landed, stream, ctx, convert)


def _row(record: Record, trace: Mapping[str, Any], found: Found, named_day: str | None, rules: Platform) -> Row:
    at = fields.time(trace, "EventTimestampMs", "ms")
    event_at = at.text if at else None
    exceptions = fields.items(trace, "Exceptions")
    return TABLE, {
        "event_at": event_at,
        "script_name": fields.text(trace, "ScriptName"),
        "event_type": fields.text(trace, "EventType"),
        "outcome": fields.text(trace, "Outcome"),
        "cpu_ms": whole(trace, "CPUTimeMs"),
        "wall_ms": whole(trace, "WallTimeMs"),
        "log_count": len(found.logs),
        "error_log_count": found.errors,
        "warning_log_count": found.warnings,
        "exception_count": len(exceptions),
        "record": dumps(_cleaned(record.value, found, rules)),
        "_line": record.line,
        "_event_date": event_at[:10] if event_at else named_day,
    }


def _cleaned(received: dict[str, Any], found: Found, rules: Platform) -> dict[str, Any]:
    """The record without personal data; its log lines are cleaned already."""
    logs, exceptions = _key(received, "Logs"), _key(received, "Exceptions")
    has_logs, said = isinstance(received.get(logs), list), received.get(exceptions)
    cleaned = rules.clean.sparing({**received, logs: None} if has_logs else received)
    own = {logs: found.logs} if has_logs else {}
    if said and isinstance(said, list):
        own[exceptions] = _with_names(cleaned[exceptions], said)
    return {**cleaned, **own}


def _key(received: Mapping[str, Any], name: str) -> str:
    """How a record spells a field; the source's own spelling counts where both are there."""
    return name if name in received else next((key for key in received if key.lower() == name.lower()), name)


def _with_names(cleaned: list[Any], received: list[Any]) -> list[Any]:
    """Cleaned exceptions with their Name, which is a class and no person's name."""
    named = []
    for item, said in zip(cleaned, received, strict=True):
        names = [key for key in said if key.lower() == "name"] if isinstance(said, dict) else []
        own = {key: scrub_text(said[key]) for key in names if isinstance(said[key], str)}
        named.append({**item, **own} if own else item)
    return named
