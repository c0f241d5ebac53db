"""Quarantine rows: what could not be used, with its original bytes and the reason. Nothing is dropped."""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from typing import Any

from ingestion.base import LandedObject, Row
from ingestion.sealing import Sealer

LONGEST = 1 << 20
"""Original bytes that a row keeps; the landed object has all of them."""


def quarantine_row(
    landed: LandedObject,
    line: int,
    reason_code: str,
    reason: str,
    raw: bytes,
    *,
    position: str = "",
    program_id: str | None = None,
    signature: str | None = None,
    event_date: date | None = None,
) -> Row:
    """A row of raw.quarantine. The id is a hash of place and reason, so the same finding is the same row on a re-run.

    `reason` is for a person and must not quote the payload (it may hold personal data). `raw` are the bytes (the first
    of them, where they are very many); the loader seals them.
    `event_date` defaults to the first day of the window that the object was landed for.
    """
    identity = "\n".join((landed.uri, str(line), position, reason_code))
    day = event_date or landed.window.start.date()
    return "quarantine", {
        "quarantine_id": hashlib.sha256(identity.encode()).hexdigest(),
        "source": landed.source,
        "dataset": landed.dataset,
        "reason_code": reason_code,
        "reason": reason,
        "position": position,
        "program_id": program_id,
        "signature": signature,
        "raw_base64": base64.b64encode(raw[:LONGEST]).decode(),
        "raw_bytes": len(raw),
        "_line": line,
        "_event_date": day.isoformat(),
    }


def unreadable_row(landed: LandedObject, reason: str) -> Row:
    """A row for an object that broke its reader; the object itself holds the bytes."""
    return quarantine_row(landed, 0, "unreadable", reason, b"")


def stopped(error: Exception) -> str:
    """Why an object can't be read to its end, without a word of it."""
    return f"the reader stopped: {type(error).__name__}"


def sealed(columns: dict[str, Any], sealer: Sealer) -> dict[str, Any]:
    """The columns as raw.quarantine holds them: the original bytes sealed."""
    raw = base64.b64decode(columns.pop("raw_base64"))
    return columns | {"raw_sealed": sealer.seal(raw, columns["quarantine_id"])}
