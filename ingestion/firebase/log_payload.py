"""What a log entry says of a Firestore call: service, method, error code and collections.

Audit log entries (protoPayload) name documents in their request or metadata; a platform's own entries (jsonPayload)
state a collection and a code. Sinks to BigQuery call the payloads protopayload_auditlog and jsonpayload_<type>, write
names in lower case, and keep requests as text (requestJson).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.jsontext import BadJson, loads

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""google.rpc.Code, by number."""

_CODE = re.compile(r"[A-Z][A-Z_]{1,39}")
_PATH = re.compile(r"/documents/(.+)")
_COLLECTION = re.compile(r"[A-Za-z0-9_.{}/-]{1,200}")
_NAMED = ("name", "delete", "document", "verify", "resourceName", "keys")
_DEEPEST = 6


@dataclass(frozen=True)
class Payload:
    """Service and method of an audit log entry; the code of what failed; collections in order, each once."""

    service: str | None = None
    method: str | None = None
    error_code: str | None = None
    collections: tuple[str, ...] = ()


def payload(entry: Mapping[str, Any]) -> Payload:
    """What the entry says; of another form than expected, nothing."""
    audit = _named(entry, "protopayload")
    if audit is not None:
        status = _field(audit, "status")
        parts = [audit, *(_json(_field(audit, name)) for name in ("requestJson", "metadataJson"))]
        return Payload(
            _text(_field(audit, "serviceName")),
            _text(_field(audit, "methodName")),
            _code(_field(status, "code")) if isinstance(status, dict) else None,
            tuple(dict.fromkeys(found for part in parts for found in _collections(part))),
        )
    own = _named(entry, "jsonpayload")
    if own is None:
        return Payload()
    stated = _text(_field(own, "collection"))
    known = (stated,) if stated and _COLLECTION.fullmatch(stated) else ()
    return Payload(error_code=_code(_field(own, "code")), collections=known)


def _named(entry: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    for key, value in entry.items():
        low = key.lower()
        if isinstance(value, dict) and (low == name or low.startswith(f"{name}_")):
            return value
    return None


def _field(record: Mapping[str, Any], name: str) -> Any:
    return record.get(name, record.get(name.lower()))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _code(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and 0 <= value < len(CODES):
        return CODES[value] if value else None
    text = value.upper().replace("-", "_") if isinstance(value, str) else ""
    return text if _CODE.fullmatch(text) and text != "OK" else None


def _json(value: Any) -> Any:
    try:
        return loads(value.encode()) if isinstance(value, str) else value
    except BadJson:
        return None


def _collections(value: Any, depth: int = 0, named: bool = False) -> Iterator[str]:
    """Collections of the document names below a value."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, item in value.items():
            yield from _collections(item, depth + 1, key in _NAMED)
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _collections(item, depth + 1, named)
    elif named and isinstance(value, str) and (found := _PATH.search(value)):
        segments = found[1].split("/")
        path = "/".join("{}" if place % 2 else part for place, part in enumerate(segments))
        yield path.removesuffix("/{}")
