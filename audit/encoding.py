"""Canonical bytes of records, seals and heads: what their hashes are taken over.

    <format>\n
    <field>:<length in bytes of the value, as decimal>:<value as UTF-8>\n     or, where there is no value,
    <field>:-\n

with the fields of the format in their fixed order. A length stands before each value, so no character needs escaping
and two different records never have the same bytes. Every value is text: integers in decimal, times as microseconds
since 1970-01-01 UTC, days as YYYY-MM-DD, hashes in lower-case hexadecimal. See docs/audit.md.
"""

from __future__ import annotations

from collections.abc import Mapping

RECORD = "escrow-audit/1"
RECORD_FIELDS = (
    *("stream", "source", "source_key", "seq", "at", "event_day", "action", "subject", "amount", "unit", "decimals"),
    *("match_id", "signature", "stripe_id", "account", "prev_hash", "stated_hash", "detail"),
)
SEAL = "escrow-seal/1"
SEAL_FIELDS = ("seal_no", "seal_day", "stream", "records", "late_records", "root", "prev_seal")
HEAD = "escrow-head/1"
HEAD_FIELDS = ("size", "root", "last_day")


def canonical(form: str, fields: tuple[str, ...], values: Mapping[str, str | None]) -> bytes:
    """The bytes of `values` in a format; None is no value. Raises KeyError for a field without an entry."""
    lines = [form.encode(), *(_line(name, values[name]) for name in fields)]
    return b"\n".join(lines) + b"\n"


def _line(name: str, value: str | None) -> bytes:
    if value is None:
        return f"{name}:-".encode()
    text = value.encode()
    return f"{name}:{len(text)}:".encode() + text
