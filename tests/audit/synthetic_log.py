"""A small sealed log for tests: records of two streams over three days, late ones, days without records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.cloud import bigquery

from audit.anchors import head_of, seal_hash
from audit.encoding import RECORD, RECORD_FIELDS, canonical
from audit.merkle import leaf_hash, root
from audit.tables import ensure_tables, table_schema
from expectations.table import typed, unnested

DAYS = (date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7))
PLATFORM, CHAIN = "platform/main", "chain/4nW1VnD6eDVy3Cw1vWVh8oKbbJf4MDsPPkXKEVWFYx1q"
ALICE, BOB = "0f" * 16, "a1" * 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Log:
    """Rows of audit.events, audit.leaves and audit.seals; days are dates in the first two and text in seals."""

    events: list[dict[str, Any]]
    leaves: list[dict[str, Any]]
    seals: list[dict[str, Any]]

    @property
    def head(self):
        return head_of(self.seals)


def texts(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Canonical texts of a row of events, written here once more."""
    given = {name: row.get(name) for name in RECORD_FIELDS}
    at = (given["at"] - _EPOCH) // timedelta(microseconds=1)
    return {name: None if value is None else str(value) for name, value in (given | {"at": at}).items()}


def event(stream: str, key: str, at: str, **more: Any) -> dict[str, Any]:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    row = {
        "stream": stream,
        "source": stream.split("/")[0],
        "source_key": key,
        "at": moment,
        "event_day": moment.date(),
    }
    row |= {"action": "deposit", **more}
    return row | {"record_id": leaf_hash(canonical(RECORD, RECORD_FIELDS, texts(row))).hex()}


def small_log(days: Sequence[date] = DAYS) -> Log:
    """5 October: 7 + 3 records, 6 October: 9 (2 late) + none, 7 October: 2 + 1; up to the last of `days`."""
    platform = {
        DAYS[0]: [
            event(PLATFORM, f"a{n}", f"2026-10-05T0{n}:00:00.00000{n}", seq=n, subject=(ALICE, BOB)[n % 2])
            for n in range(7)
        ],
        DAYS[1]: [
            event(PLATFORM, "late|1", "2026-10-05T03:30:00", seq=100, detail='{"why":"é — |late|"}'),
            event(PLATFORM, "late-2", "2026-10-05T23:59:59.999999", amount=Decimal(12), unit="usd", decimals=2),
            *(
                event(PLATFORM, f"b{n}", "2026-10-06T12:00:00", seq=10 + n, subject=ALICE if n == 4 else None)
                for n in range(7)
            ),
        ],
        DAYS[2]: [event(PLATFORM, f"c{n}", f"2026-10-07T01:0{n}:00", seq=20 + n, subject=BOB) for n in range(2)],
    }
    chain = {
        DAYS[0]: [
            event(CHAIN, f"sig{n}:0", f"2026-10-05T1{n}:00:00", amount=Decimal(10**n), unit="mint", subject=BOB)
            for n in range(3)
        ],
        DAYS[1]: [],
        DAYS[2]: [event(CHAIN, "sig9:0", "2026-10-07T00:00:00", amount=Decimal(90071992547409931), unit="mint")],
    }
    events, leaves, seals, last = [], [], [], {}
    for day in days:
        for stream, by_day in ((CHAIN, chain), (PLATFORM, platform)):
            rows = sorted(by_day[day], key=lambda row: (row["at"], row["source"], row["source_key"]))
            seal = {
                "seal_no": len(seals),
                "seal_day": day.isoformat(),
                "stream": stream,
                "records": len(rows),
                "late_records": sum(row["event_day"] < day for row in rows),
                "root": root([bytes.fromhex(row["record_id"]) for row in rows]).hex(),
                "prev_seal": last.get(stream, "0" * 64),
            }
            last[stream] = seal["seal_hash"] = seal_hash(seal)
            seals.append(seal)
            events += rows
            leaves += [
                {"seal_day": day, "stream": stream, "position": n}
                | {name: row[name] for name in ("record_id", "event_day")}
                for n, row in enumerate(rows)
            ]
    return Log(events, leaves, seals)


def put(client: bigquery.Client, log: Log) -> None:
    """Make audit.events, leaves and seals hold exactly the log; anchors stay."""
    ensure_tables(client)
    for name, rows in (("events", log.events), ("leaves", log.leaves), ("seals", log.seals)):
        client.query(f"delete from audit.{name} where true").result()
        if rows:
            add(client, name, rows)


def add(client: bigquery.Client, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table of the audit log."""
    columns = {field.name: field.field_type for field in table_schema(name)}
    written = [{column: _json(row.get(column)) for column in columns} for row in rows]
    client.query(
        f"insert into audit.{name} ({', '.join(f'`{column}`' for column in columns)}) "
        f"select {typed(columns)} from {unnested(written)}"
    ).result()


def _json(value: Any) -> Any:
    return value if isinstance(value, int | str | None) else str(value)
