"""The platform's audit log, as its Worker logs it: one JSON event an action, numbered and hash-chained in its stream.

hash = sha256(json.dumps(event without "hash", sort_keys=True, separators=(",", ":"), ensure_ascii=False)), hex
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ingestion import fields
from ingestion.base import Row
from ingestion.fields import BadRecord
from ingestion.personal import Platform

TABLE = "platform_audit_events"
VERSION = 1
_AUDIT = re.compile(r'"type"\s*:\s*"audit"')
_AMOUNT = re.compile(r"-?[0-9]{1,29}")


def is_audit(event: Mapping[str, Any]) -> bool:
    """Whether a JSON log line is an audit event."""
    return event.get("type") == "audit"


def resembles_audit(text: str) -> bool:
    """Whether a text that is no JSON was meant to be an audit event."""
    return _AUDIT.search(text) is not None


def audit_row(event: Mapping[str, Any], line: int, rules: Platform) -> Row:
    """Row of one audit event. Raises BadRecord for another version, missing fields or wrong types."""
    if event.get("v") != VERSION:
        raise BadRecord("audit_version", f"the audit event is not of version {VERSION}", "v")
    at = fields.time(event, "at", required=True)
    seq = fields.whole(event, "seq", required=True)
    if seq < 1:
        raise BadRecord("out_of_range", "seq counts from 1", "seq")
    return TABLE, {
        "stream": fields.text(event, "stream", required=True),
        "seq": seq,
        "at": at.text,
        "actor": rules.identity(fields.text(event, "actor", required=True)),
        "action": fields.text(event, "action", required=True),
        "amount": _amount(event),
        "mint": fields.text(event, "mint"),
        "currency": fields.text(event, "currency"),
        "match_id": fields.text(event, "match_id"),
        "signature": fields.text(event, "signature"),
        "stripe_id": fields.text(event, "stripe_id"),
        "prev_hash": fields.text(event, "prev_hash", required=True),
        "hash": fields.text(event, "hash", required=True),
        "computed_hash": event_hash(event),
        "_line": line,
        "_event_date": at.day.isoformat(),
    }


def event_hash(event: Mapping[str, Any]) -> str:
    """SHA-256 of the event's canonical JSON, hex."""
    bare = {key: value for key, value in event.items() if key != "hash"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _amount(event: Mapping[str, Any]) -> str | None:
    """Base or minor units: an integer as text, so that no reader makes a float of it."""
    value = event.get("amount")
    if isinstance(value, int) and not isinstance(value, bool):
        return fields.money(event, "amount")
    text = fields.text(event, "amount")
    if text is not None and not _AMOUNT.fullmatch(text):
        raise BadRecord("wrong_type", "amount must be an integer", "amount")
    return text
