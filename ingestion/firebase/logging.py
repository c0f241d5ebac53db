"""Cloud Logging sink files -> raw.cloud_logging_entries.

Entries may repeat, also between the files of an hour: (log_name, timestamp, insert_id) is their key, where they have an
insert_id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.drift import FieldWatch
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.firebase.counts import count_row
from ingestion.firebase.known_fields import known_fields
from ingestion.firebase.log_payload import payload
from ingestion.jsontext import dumps
from ingestion.lines import Record, in_their_case, prepared
from ingestion.personal import platform

TABLE = "cloud_logging_entries"
_OWN = frozenset(("insertId", "logName", "protoPayload", "jsonPayload", "textPayload"))
_PAYLOAD_COLUMNS = ("protopayload_", "jsonpayload_")


def prepare_logging(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of a sink file (NDJSON, an array, or {"entries": [...]})."""
    rules = platform(ctx)
    named_day = key_day(landed) or landed.window.start.date()
    known = known_fields("cloud_logging")
    spelled = {name.lower(): name for name in known}
    watch = FieldWatch(landed, known)

    def convert(record: Record) -> list[Row]:
        entry: Mapping[str, Any] = in_their_case(record.value, spelled)
        top = {name: entry[name] for name in entry if not name.lower().startswith(_PAYLOAD_COLUMNS)}
        if not _OWN & set(entry) and len(top) == len(entry):
            raise BadRecord("not_a_log_entry", "the record has none of the fields of a log entry")
        at = fields.time(entry, "timestamp") or fields.time(entry, "receiveTimestamp")
        resource = entry.get("resource")
        if resource is not None and not isinstance(resource, dict):
            raise fields.wrong_type("resource", "an object", resource)
        log_name = fields.text(entry, "logName")
        said = payload(entry)
        columns = {
            "insert_id": fields.text(entry, "insertId"),
            "timestamp": at.text if at else None,
            "log_name": rules.text(log_name) if log_name else None,
            "severity": fields.text(entry, "severity"),
            "resource_type": fields.text(resource or {}, "type"),
            "service": said.service,
            "method": said.method,
            "error_code": said.error_code,
            "collections": dumps(said.collections),
            "record": dumps(rules.clean(record.value)),
            "_line": record.line,
            "_event_date": (at.day if at else named_day).isoformat(),
        }
        watch.see(top, record.line)
        return [(TABLE, columns)]

    yield from prepared(landed, stream, convert, wrapper="entries")
    yield from watch.rows()
    yield from count_row(landed, stream, "entries")
