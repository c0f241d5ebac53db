"""Rows of the Firestore change tracker (Firestore -> BigQuery extension) -> raw.firestore_changelog.

Rows come bare or as {"insertId", "json"}, in NDJSON or an array. They may repeat: staging keeps one of an event_id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.fields import BadRecord
from ingestion.jsontext import BadJson, dumps, loads
from ingestion.lines import Record, prepared
from ingestion.personal import Platform, platform

TABLE = "firestore_changelog"
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "IMPORT")
_DOCUMENTS = "/documents/"


def prepare_changelog(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of a changelog object."""
    rules = platform(ctx)
    return prepared(landed, stream, lambda record: [_row(record, rules)])


def _row(record: Record, rules: Platform) -> Row:
    change = record.value
    if isinstance(change.get("json"), dict):
        change = change["json"]
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
    path = _Path(name, rules, _user_ids(data, rules) | _user_ids(old_data, rules))
    return TABLE, {
        "timestamp": at.text,
        "event_id": event_id,
        "document_name": path.name,
        "document_id": path.hide(stated_id) if stated_id else path.document_id,
        "collection": path.collection,
        "operation": operation,
        "data": _cleaned(data, rules),
        "old_data": _cleaned(old_data, rules),
        "path_params": None if parameters is None else dumps(rules.clean(path.hide_values(parameters))),
        "_line": record.line,
        "_event_date": at.day.isoformat(),
    }


class _Path:
    """A document's full name, with the ids of users in it hidden.

    Whose document it is tells the collection, or the document itself: an id that its own fields give as a user's.
    """

    def __init__(self, name: str, rules: Platform, user_ids: set[str]) -> None:
        root, separator, relative = name.partition(_DOCUMENTS)
        if not separator:
            root, relative = "", name
        segments = relative.split("/")
        if len(segments) < 2 or len(segments) % 2 or not all(segments):
            raise BadRecord("bad_document_name", "document_name is no path of collections and ids", "document_name")
        self._hidden: dict[str, str] = {}
        for collection, document in zip(segments[::2], segments[1::2], strict=True):
            if rules.is_user_document(collection, document) or document in user_ids:
                self._hidden[document] = rules.identity(document) or ""
        places = enumerate(segments)
        shown = [self.hide(segment) if place % 2 else segment for place, segment in places]
        self.name = f"{root}{separator}{'/'.join(shown)}"
        self.document_id = shown[-1]
        self.collection = "/".join("{}" if place % 2 else part for place, part in enumerate(segments[:-1]))

    def hide(self, document_id: str) -> str:
        """An id as raw tables show it."""
        return self._hidden.get(document_id, document_id)

    def hide_values(self, parameters: Any) -> Any:
        """Parameters of the path (wildcard -> id) with the same ids hidden."""
        if not isinstance(parameters, dict):
            return parameters
        return {key: self.hide(item) if isinstance(item, str) else item for key, item in parameters.items()}


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


def _cleaned(document: Any, rules: Platform) -> str | None:
    return None if document is None else dumps(rules.clean(document))


def _user_ids(document: Any, rules: Platform) -> set[str]:
    if not isinstance(document, dict):
        return set()
    return {value for key, value in document.items() if isinstance(value, str) and rules.is_user_key(key)}
