"""A warehouse of a test's own with records, seals and a policy, for the tests of retention."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from google.cloud import bigquery

from audit import merkle
from audit.encoding import RECORD, RECORD_FIELDS, SEAL, SEAL_FIELDS, canonical
from audit.policy import schema_of
from audit.tables import ensure_tables
from expectations.table import typed, unnested
from ingestion.tables import ensure_tables as ensure_raw_tables
from warehouse.client import bigquery_client
from warehouse.config import Config, load_config
from warehouse.window import format_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STREAM = "platform/money"
WHY = "A rule that the tests of retention need."
POLICY: dict[str, Any] = {
    "cold_after_days": 45,
    "tables": [
        {
            "tables": ["audit.events"], "class": "financial", "days": 2557, "hot_days": 400, "cold": True,
            "purge": "job", "day": ["event_day"], "why": WHY,
        },
        {
            "tables": ["raw.stripe_charges"], "class": "financial", "days": 2557, "hot_days": 800, "cold": True,
            "purge": "job", "day": ["_event_date", "_landed_at"], "why": WHY,
        },
        {
            "tables": ["raw.firebase_auth_users"], "class": "personal", "days": 400, "purge": "job",
            "day": ["_event_date", "_landed_at"], "why": WHY,
        },
        {
            "tables": ["raw.rpc_calls"], "class": "operational", "days": 400, "purge": "expire",
            "day": ["_event_date"], "why": WHY,
        },
        {"tables": ["audit.*", "raw.*", "ops.*"], "class": "financial", "days": None, "purge": "never", "why": WHY},
    ],
    "buckets": [
        {"bucket": "cold", "class": "financial", "days": 2557, "lock_days": 2512, "purge": "job", "why": WHY},
        {"bucket": "anchors", "class": "financial", "days": None, "lock_days": 2557, "purge": "never", "why": WHY},
        {
            "bucket": "landing", "prefix": "stripe/", "class": "personal", "days": 180, "purge": "job", "why": WHY,
        },
        {"bucket": "staging", "class": "derived", "days": 7, "purge": "expire", "why": WHY},
    ],
}  # fmt: skip


FILLED = (
    *("audit.events", "audit.leaves", "audit.seals", "audit.cold_months", "audit.purges", "audit.holds"),
    *("audit.subjects", "audit.subject_values", "raw.stripe_charges", "raw.firebase_auth_users", "ops.objects"),
)
"""Tables that the tests of retention fill."""


def a_world(folder: Path, policy: dict[str, Any] = POLICY) -> tuple[Config, bigquery.Client]:
    """A configuration with a policy and buckets of its own, and a client of a warehouse whose tables are empty.

    The warehouse is shared by these tests, as making its tables takes seconds.
    """
    project = "retention-tests"
    path = folder / "retention.yml"
    path.write_text(yaml.safe_dump(policy))
    config = load_config()
    bucket = f"gs://{uuid.uuid4().hex}"
    buckets = {name: f"{bucket}-{name}" for name in ("cold", "anchors")}
    config = config.model_copy(
        update={
            "project": project,
            "landing": f"{bucket}-landing",
            "staging": f"{bucket}-staging",
            "audit": config.audit.model_copy(update={"retention": path} | buckets),
        }
    )
    client = bigquery_client(config)
    ensure_raw_tables(client)
    ensure_tables(client)
    client.query("".join(f"delete from {table} where true; " for table in FILLED)).result()
    return config, client


def token(number: int) -> str:
    """Token of a subject."""
    return f"{number:032x}"


def an_event(key: str, day: date, subject: int | None = None, amount: int = 100) -> dict[str, Any]:
    """A row of audit.events whose record_id is computed here, apart from the code under test."""
    at = datetime.combine(day, time(12), UTC)
    row = dict.fromkeys(RECORD_FIELDS) | {
        "stream": STREAM,
        "source": "platform",
        "source_key": key,
        "at": format_instant(at),
        "event_day": day.isoformat(),
        "action": "deposit",
        "subject": None if subject is None else token(subject),
        "amount": str(amount),
        "unit": "usd",
        "decimals": 2,
    }
    texts = {name: None if value is None else str(value) for name, value in row.items()}
    texts["at"] = str((at - EPOCH) // timedelta(microseconds=1))
    identity = merkle.leaf_hash(canonical(RECORD, RECORD_FIELDS, texts)).hex()
    return row | {"record_id": identity, "added_at": format_instant(at), "run_id": "test"}


def a_charge(number: int, day: date | None, landed: date | None = None, amount: int = 500) -> dict[str, Any]:
    """A row of raw.stripe_charges."""
    return {
        "id": f"ch_{number}",
        "amount": str(Decimal(amount)),
        "_object_uri": f"gs://x/{number}",
        "_line": 1,
        "_event_date": day and day.isoformat(),
        "_landed_at": format_instant(datetime.combine(landed or day, time(13), UTC)),
    }


def add(client: bigquery.Client, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to a table; columns that a row lacks are null."""
    names = {"INTEGER": "INT64", "BOOLEAN": "BOOL"}
    columns = {field.name: names.get(field.field_type, field.field_type) for field in schema_of(table)}
    quoted = ", ".join(f"`{name}`" for name in columns)
    values = typed(columns).replace(" as at,", " as `at`,").replace(" as by,", " as `by`,")
    client.query(f"insert into {table} ({quoted}) select {values} from {unnested(rows)}").result()


def seal(client: bigquery.Client, events: Iterable[dict[str, Any]], first_no: int = 0, on: date | None = None) -> int:
    """Seal events by their days, or all on one, apart from the code under test; returns the next seal_no."""
    by_day: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_day.setdefault(on.isoformat() if on else event["event_day"], []).append(event)
    leaves, seals, previous = [], [], "0" * 64
    for number, day in enumerate(sorted(by_day), first_no):
        ordered = sorted(by_day[day], key=lambda event: (event["at"], event["source"], event["source_key"]))
        root = merkle.root([bytes.fromhex(event["record_id"]) for event in ordered]).hex()
        values = {
            "seal_no": number, "seal_day": day, "stream": STREAM, "records": len(ordered), "late_records": 0,
            "root": root, "prev_seal": previous,
        }  # fmt: skip
        previous = merkle.leaf_hash(canonical(SEAL, SEAL_FIELDS, {k: str(v) for k, v in values.items()})).hex()
        seals.append(values | {"seal_hash": previous})
        leaves += [
            {
                "seal_day": day, "stream": STREAM, "position": place, "record_id": event["record_id"],
                "event_day": event["event_day"],
            }
            for place, event in enumerate(ordered)
        ]  # fmt: skip
    add(client, "audit.leaves", leaves)
    add(client, "audit.seals", seals)
    return first_no + len(seals)


def keys(client: bigquery.Client, table: str = "audit.events", column: str = "source_key") -> list[str]:
    """Values of a column, in order; of audit.events without the warehouse's own records."""
    where = f"where stream = '{STREAM}'" if table == "audit.events" else ""
    return [row[column] for row in client.query(f"select {column} from {table} {where} order by 1").result()]


def own(client: bigquery.Client, action: str) -> list[dict[str, Any]]:
    """The warehouse's own records of an action: their detail (parsed where it is JSON), amount and subject."""
    found = client.query(
        f"select detail, amount, unit, subject, source_key from audit.events where action = '{action}' order by 1"
    ).result()
    return [
        dict(row) | {"detail": json.loads(row["detail"]) if row["detail"].startswith("{") else row["detail"]}
        for row in found
    ]
