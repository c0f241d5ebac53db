"""`firebase auth:export` files -> raw.firebase_auth_users, without e-mail, names, phone, password hash and salt.

Rows of a file that can't be used are quarantined without their bytes: those hold password hashes, which must never
reach the warehouse. The file itself stays in the landing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.drift import FieldWatch
from ingestion.exports import key_day
from ingestion.firebase.auth_csv import csv_users
from ingestion.firebase.counts import count_row
from ingestion.firebase.known_fields import known_fields
from ingestion.jsontext import dumps
from ingestion.lines import Bad, Record, converted, records
from ingestion.personal import Platform, platform
from ingestion.quarantine import quarantine_row
from warehouse.window import format_instant

TABLE = "firebase_auth_users"


def prepare_auth(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of an auth export: {"users": [...]}, an array, NDJSON, or the CSV form (by its name)."""
    rules = platform(ctx)
    day = key_day(landed) or landed.window.start.date()
    is_csv = landed.origin_uri.lower().removesuffix(".gz").endswith(".csv")
    watch = FieldWatch(landed, known_fields("auth_export"))

    def convert(record: Record) -> list[Row]:
        row = _row(record, day, rules)
        watch.see(record.value, record.line)
        return [row]

    for item in csv_users(stream) if is_csv else records(stream, wrapper="users"):
        if isinstance(item, Bad):
            yield quarantine_row(landed, item.line, item.code, item.reason, b"")
        else:
            yield from converted(landed, Record(item.line, item.value, b""), convert)
    yield from watch.rows()
    yield from count_row(landed, stream, "users", is_csv)


def _row(record: Record, day: date, rules: Platform) -> Row:
    user = record.value
    identity = fields.text(user, "localId") or fields.text(user, "uid")  # the Admin SDK's name for it
    if identity is None:
        raise fields.missing("localId")
    created = fields.time(user, "createdAt", "ms")
    signed_in = fields.time(user, "lastSignedInAt", "ms") or fields.time(user, "lastLoginAt", "ms")
    providers = [item.get("providerId") for item in fields.items(user, "providerUserInfo") if isinstance(item, dict)]
    return TABLE, {
        "uid": rules.identity(identity),
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
