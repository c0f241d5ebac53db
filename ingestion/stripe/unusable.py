"""Stripe files that nothing could serve: one quarantine row each, with the reason found by trying to read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.jsontext import BadJson, loads
from ingestion.lines import Lines
from ingestion.quarantine import quarantine_row


def prepare_unusable(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """One quarantine row that holds the whole file."""
    lines = Lines(stream)
    body = b"".join(lines)
    if lines.broken:
        code, reason = lines.broken.code, lines.broken.reason
        body += lines.broken.raw
    else:
        code, reason = _why(body)
    yield quarantine_row(landed, 1, code, reason, body)


def _why(body: bytes) -> tuple[str, str]:
    if not body.strip():
        return "empty_file", "the file is empty"
    try:
        value = loads(body.strip())
    except BadJson as bad:
        return bad.code, str(bad)
    found = _items(value)
    usable = sum(_is_object(item) for item in found)
    if not usable:
        return "not_stripe", "the JSON holds no Stripe object: `object` and `id` are missing"
    if usable < len(found):
        return "not_stripe", f"{len(found) - usable} of {len(found)} elements have no `object` or no `id`"
    return "not_served", "Stripe objects, but not ones that could be served beside the others (another state of one id)"


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and isinstance(value.get("resources"), dict):
        return list(value["resources"].values())
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return value["data"]
    return [value]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("object"), str) and bool(value.get("id"))
