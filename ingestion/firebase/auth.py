"""`firebase auth:export` files -> raw.firebase_auth_users, without e-mail, names, phone, password hash and salt.

Rows of a file that can't be used are quarantined without their bytes: those hold password hashes, which must never
reach the warehouse. The file itself stays in the landing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.jsontext import dumps
from ingestion.lines import Bad, Lines, Record, converted, records
from ingestion.personal import Platform, platform
from ingestion.quarantine import quarantine_row
from warehouse.window import format_instant

TABLE = "firebase_auth_users"
# Columns of the CSV form, which has no header line.
_CSV_COLUMNS = {0: "localId", 2: "emailVerified", 23: "createdAt", 24: "lastSignedInAt", 26: "disabled"}
_CSV_PROVIDERS = {7: "google.com", 11: "facebook.com", 15: "twitter.com", 19: "github.com"}
_CSV_LEAST = 26


def prepare_auth(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of an auth export: {"users": [...]}, an array, NDJSON, or the CSV form (by its name)."""
    rules = platform(ctx)
    day = key_day(landed) or landed.window.start.date()
    is_csv = landed.origin_uri.lower().removesuffix(".gz").endswith(".csv")
    for item in _csv_records(stream) if is_csv else records(stream, wrapper="users"):
        if isinstance(item, Bad):
            yield quarantine_row(landed, item.line, item.code, item.reason, b"")
        else:
            safe = Record(item.line, item.value, b"")
            yield from converted(landed, safe, lambda record: [_row(record, day, rules)])


def _row(record: Record, day: date, rules: Platform) -> Row:
    user = record.value
    created, signed_in = fields.time(user, "createdAt", "ms"), fields.time(user, "lastSignedInAt", "ms")
    providers = [item.get("providerId") for item in fields.items(user, "providerUserInfo") if isinstance(item, dict)]
    return TABLE, {
        "uid": rules.identity(fields.text(user, "localId", required=True)),
        "exported_at": format_instant(datetime(day.year, day.month, day.day, tzinfo=UTC)),
        "created_at": created.text if created else None,
        "last_signed_in_at": signed_in.text if signed_in else None,
        "email_verified": fields.flag(user, "emailVerified"),
        "disabled": fields.flag(user, "disabled"),
        "providers": dumps([name for name in providers if isinstance(name, str)]),
        "mfa_factors": len(fields.items(user, "mfaInfo")),
        "_line": record.line,
        "_event_date": day.isoformat(),
    }


def _csv_records(stream: BinaryIO) -> Iterator[Record | Bad]:
    lines = Lines(stream)
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            yield Bad(number, b"", "invalid_utf8", "the bytes are not UTF-8")
            continue
        try:
            rows = list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            yield Bad(number, b"", "bad_csv", f"the line is no CSV: {error}")
            continue
        yield from (_csv_record(number, cells) for cells in rows if cells)
    if lines.broken:
        yield lines.broken


def _csv_record(number: int, cells: list[str]) -> Record | Bad:
    if len(cells) < _CSV_LEAST:
        return Bad(number, b"", "bad_csv", f"the line has {len(cells)} columns, an exported user has 26 or more")
    user: dict[str, Any] = {name: cells[place] for place, name in _CSV_COLUMNS.items() if place < len(cells)}
    try:
        flags = {name: _csv_flag(name, user[name]) for name in ("emailVerified", "disabled") if name in user}
    except BadRecord as bad:
        return Bad(number, b"", bad.code, bad.reason)
    linked = [{"providerId": name} for place, name in _CSV_PROVIDERS.items() if cells[place]]
    return Record(number, user | flags | {"providerUserInfo": linked}, b"")


def _csv_flag(name: str, cell: str) -> bool | None:
    if cell not in ("true", "false", ""):
        raise BadRecord("wrong_type", f"{name} must be true or false", name)
    return cell == "true" if cell else None
