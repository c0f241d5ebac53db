"""Records of what the warehouse does itself (seals, purges, erasures, holds, restores), in the stream `warehouse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.cloud import bigquery

from audit.encoding import RECORD, RECORD_FIELDS, canonical
from audit.merkle import leaf_hash
from audit.tables import DATASET, table_schema

STREAM = "warehouse"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def own_record(
    client: bigquery.Client,
    *,
    source_key: str,
    action: str,
    at: datetime,
    run_id: str,
    detail: str | None = None,
    subject: str | None = None,
    amount: int | None = None,
    unit: str | None = None,
) -> None:
    """Add a record to the stream `warehouse`; nothing where it holds one of this `source_key` already.

    `source_key` and `detail` name no user; `subject` is a token of audit.subjects. `amount` is in whole units of
    `unit`, such as rows. `at` must be aware of its zone: raises ValueError otherwise.
    """
    if at.tzinfo is None:
        raise ValueError(f"the time of record {source_key} has no zone")
    moment = at.astimezone(UTC)
    stated = dict.fromkeys(RECORD_FIELDS) | {
        "stream": STREAM,
        "source": STREAM,
        "source_key": source_key,
        "at": moment,
        "event_day": moment.date(),
        "action": action,
        "subject": subject,
        "amount": None if amount is None else Decimal(amount),
        "unit": unit,
        "detail": detail,
    }
    _add(client, stated | {"record_id": record_id(stated), "added_at": datetime.now(UTC), "run_id": run_id})


def record_id(row: Mapping[str, Any]) -> str:
    """Leaf hash of the canonical bytes of a row of audit.events, hexadecimal; only RECORD_FIELDS of it count."""
    return leaf_hash(canonical(RECORD, RECORD_FIELDS, record_texts(row))).hex()


def record_texts(row: Mapping[str, Any]) -> dict[str, str | None]:
    """The text of each of RECORD_FIELDS, from a row as the warehouse's client gives it.

    Raises KeyError for a field that is not there, ValueError for an amount that is no whole number.
    """
    return {name: _text(row[name]) for name in RECORD_FIELDS}


def _text(value: Any) -> str | None:
    """As audit/encoding.py has it: integers in decimal, times in microseconds, days as they are written."""
    match value:
        case None:
            return None
        case datetime():
            return str((value - _EPOCH) // timedelta(microseconds=1))
        case date():
            return value.isoformat()
        case Decimal():
            if value != int(value):
                raise ValueError(f"{value} is no whole number")
            return str(int(value))
        case _:
            return str(value)


def _add(client: bigquery.Client, row: Mapping[str, Any]) -> None:
    fields = table_schema("events")
    names = ", ".join(f"`{field.name}`" for field in fields)
    values = ", ".join(f"@{field.name}_" for field in fields)
    table = f"{DATASET}.events"
    client.query(
        f"insert into {table} ({names}) select {values} from (select 1) "
        f"where not exists (select 1 from {table} where stream = @stream_ and source_key = @source_key_)",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(f"{field.name}_", field.field_type, row[field.name]) for field in fields
            ]
        ),
    ).result()
