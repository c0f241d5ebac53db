"""Which records wait for a seal, found without reading the days that are sealed and unchanged.

audit.sealed_days says how many records of a day are sealed. A day of audit.events with another number of rows holds
records that are not; only such days are read. The number of rows of each day comes from the warehouse's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from google.cloud import bigquery

SEALS_A_BATCH = 1_000
"""Seals that one transaction writes at most, unless one day alone has more; a statement may be 1 MB long."""


@dataclass(frozen=True)
class State:
    """The log of seals as it is: its size, and of each stream the last sealed day and that seal's hash."""

    size: int
    last: Mapping[str, tuple[date, str]]


@dataclass(frozen=True)
class Batch:
    """What to seal next: days up to `last_day`; `first_days`: each stream's first one (after its last sealed one).

    `read_days`: days of audit.events that hold unsealed records.
    """

    last_day: date
    first_days: Mapping[str, date]
    read_days: tuple[date, ...]


def read_state(client: bigquery.Client) -> State:
    """The log of seals."""
    rows = list(
        client.query(
            "select stream, seal_day, seal_hash, count(*) over () as size from audit.seals "
            "qualify row_number() over (partition by stream order by seal_day desc) = 1"
        ).result()
    )
    size = next(iter(client.query("select count(*) as size from audit.seals").result()))["size"]
    return State(size, {row["stream"]: (row["seal_day"], row["seal_hash"]) for row in rows})


def next_batch(client: bigquery.Client, state: State, last_day: date) -> Batch | None:
    """What to seal next of the days up to `last_day`; None where all is sealed."""
    read_days = _days_with_unsealed(client, last_day)
    first_days = {stream: day + timedelta(days=1) for stream, (day, _) in state.last.items()}
    if read_days:
        rows = client.query(
            f"select stream, min(event_day) as day from audit.events where event_day in ({dates(read_days)}) "
            "group by stream"
        ).result()
        first_days = {row["stream"]: row["day"] for row in rows if row["stream"] is not None} | first_days
    owed = {stream: day for stream, day in first_days.items() if day <= last_day}
    if not owed:
        return None
    length = max(1, SEALS_A_BATCH // len(owed))
    end = min(last_day, min(owed.values()) + timedelta(days=length - 1))
    chosen = {stream: day for stream, day in owed.items() if day <= end}
    return Batch(end, chosen, tuple(day for day in read_days if day <= end))


def dates(days: tuple[date, ...]) -> str:
    """Days as SQL constants, which BigQuery cuts partitions by."""
    return ", ".join(f"date '{day}'" for day in days)


def _days_with_unsealed(client: bigquery.Client, last_day: date) -> tuple[date, ...]:
    sealed = {
        row["event_day"]: row["records"]
        for row in client.query(
            "select event_day, sum(records) as records from audit.sealed_days group by event_day"
        ).result()
    }
    held = client.query(
        "select partition_id, total_rows from audit.INFORMATION_SCHEMA.PARTITIONS where table_name = 'events'"
    ).result()
    days = {
        date.fromisoformat(row["partition_id"]): row["total_rows"]
        for row in held
        if row["partition_id"] and row["partition_id"].isdecimal()
    }
    purged = _purged(client)
    return tuple(
        day
        for day, rows in sorted(days.items())
        if day <= last_day and (rows != int(sealed.get(day) or 0) or any(a <= day <= b for a, b in purged))
    )


def _purged(client: bigquery.Client) -> list[tuple[date, date]]:
    """Ranges of days that rows were removed from: there, the numbers could be equal by chance."""
    rows = client.query(
        "select distinct first_day, last_day from audit.purges where table_name = 'audit.events' and tier = 'hot'"
    ).result()
    return [(row["first_day"], row["last_day"]) for row in rows]
