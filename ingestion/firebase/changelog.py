"""Rows of the Firestore change tracker (Firestore -> BigQuery extension) -> raw.firestore_changelog.

Rows come bare or as {"insertId", "json"}, in NDJSON or an array. They may repeat: staging keeps one of an event_id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.drift import FieldWatch
from ingestion.fields import BadRecord
from ingestion.firebase.counts import count_row
from ingestion.firebase.documents import DocumentPath, cleaned, user_ids
from ingestion.firebase.known_fields import known_fields
from ingestion.jsontext import BadJson, dumps, loads
from ingestion.lines import Record, prepared
from ingestion.personal import Platform, platform

TABLE = "firestore_changelog"
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "IMPORT")


def prepare_changelog(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of a changelog object."""
    rules = platform(ctx)
    rows, envelopes = (FieldWatch(landed, known_fields(name)) for name in ("firestore_changelog", "changelog_envelope"))

    def convert(record: Record) -> list[Row]:
        change = record.value
        if isinstance(change.get("json"), dict):
            envelopes.see(change, record.line)
            change = change["json"]
        row = _row(change, record.line, rules)
        rows.see(change, record.line)
        return [row]

    yield from prepared(landed, stream, convert)
    yield from rows.rows()
    yield from envelopes.rows()
    yield from count_row(landed, stream)


def _row(change: dict[str, Any], line: int, rules: Platform) -> Row:
    if not {"timestamp", "event_id", "document_name", "operation"} & set(change):
        raise BadRecord("not_a_changelog_row", "the record has none of the changelog's fields")
    at = fields.time(change, "timestamp", required=True)
    event_id = fields.text(change, "event_id", required=True)
    name = fields.text(change, "document_name", required=True)
    operation = fields.text(change, "operation", required=True)
    if operation not in OPERATIONS:
        raise BadRecord("unknown_operation", f"operation is none of {', '.join(OPERATIONS)}", "operation")
    stated_id = fields.text(change, "document_id")
    data, old_data = _document(change, "data"), _document(change, "old_data")
    parameters = _document(change, "path_params")
    path = DocumentPath(name, rules, user_ids(data, rules) | user_ids(old_data, rules))
    return TABLE, {
        "timestamp": at.text,
        "event_id": event_id,
        "document_name": path.name,
        "document_id": path.hide(stated_id) if stated_id else path.document_id,
        "collection": path.collection,
        "operation": operation,
        "data": cleaned(data, rules),
        "old_data": cleaned(old_data, rules),
        "path_params": None if parameters is None else dumps(rules.clean(path.hide_values(parameters))),
        "_line": line,
        "_event_date": at.day.isoformat(),
    }


def _document(change: dict[str, Any], name: str) -> Any:
    """The JSON value in a text field; null in any form is None."""
    text = fields.text(change, name)
    if text is None:
        return None
    try:
        value = loads(text.encode())
    except BadJson as bad:
        raise BadRecord("bad_json_in_field", f"{name}: {bad}", name) from None
    if value is not None and not isinstance(value, dict):
        raise fields.wrong_type(name, "a JSON object", value)
    return value
