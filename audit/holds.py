"""Legal holds: placed and released by adding rows to audit.holds, and what they keep from being purged or erased.

A hold names a subject, a range of days, both or neither. Without a subject it keeps every row of its days in every
table that the purge job works on. With one it keeps the subject's rows where a table says whose they are, and in other
tables every row of the days on which the audit record has the subject. Tables that expire by themselves
(config/retention.yml, `purge: expire`) are beyond the reach of holds.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.cloud import bigquery

from audit.cold import EVENTS, live_copies, verified_file
from audit.cold_files import read_file
from audit.own import own_record
from audit.tables import ensure_tables
from warehouse.config import Config
from warehouse.storage import filesystem
from warehouse.window import format_instant

_TOKEN = re.compile(r"[0-9a-f]{32}")
SUBJECT = "subject"
"""Column of tables that say whose a row is."""


class HoldError(ValueError):
    """The hold can't be placed or released as it was asked for."""


@dataclass(frozen=True)
class Hold:
    """A hold in force; None for all subjects, from the beginning, to the end."""

    hold_id: str
    subject: str | None
    first_day: date | None
    last_day: date | None
    reason: str
    by: str
    placed_at: datetime

    def covers(self, day: date) -> bool:
        """Whether a day is in its range."""
        return (self.first_day or date.min) <= day <= (self.last_day or date.max)


def is_token(text: str) -> bool:
    """Whether a text has the form of a subject's token."""
    return _TOKEN.fullmatch(text) is not None


def place(
    client: bigquery.Client,
    *,
    reason: str,
    by: str,
    at: datetime,
    run_id: str,
    subject: str | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
) -> str:
    """Place a hold; returns its id. `reason` and `by` (a role) name no person.

    Raises HoldError for a subject that is no token and for a range that ends before it begins.
    """
    if subject is not None and not is_token(subject):
        raise HoldError(f"no token of a subject: {subject!r}")
    if first_day and last_day and first_day > last_day:
        raise HoldError(f"the range ends ({last_day}) before it begins ({first_day})")
    hold_id = uuid.uuid4().hex
    _add(client, Hold(hold_id, subject, first_day, last_day, reason, by, at), "placed", run_id)
    return hold_id


def release(client: bigquery.Client, hold_id: str, *, reason: str, by: str, at: datetime, run_id: str) -> None:
    """Release a hold; what is past its time goes with the next purge. Raises HoldError where it isn't in force."""
    held = {hold.hold_id: hold for hold in current_holds(client)}
    if hold_id not in held:
        raise HoldError(f"no hold {hold_id} is in force")
    was = held[hold_id]
    _add(client, Hold(hold_id, was.subject, was.first_day, was.last_day, reason, by, at), "released", run_id)


def current_holds(client: bigquery.Client) -> list[Hold]:
    """Holds that are placed and not released, oldest first."""
    ensure_tables(client)
    rows = client.query(
        "select * from audit.holds where `change` = 'placed' "
        "and hold_id not in (select hold_id from audit.holds where `change` = 'released') order by changed_at, hold_id"
    ).result()
    return [
        Hold(
            row["hold_id"], row["subject"], row["first_day"], row["last_day"], row["reason"], row["by"],
            row["changed_at"],
        )
        for row in rows
    ]  # fmt: skip


def record_holds(client: bigquery.Client, run_id: str) -> None:
    """Add the audit record of every change of a hold that a killed run left without one."""
    rows = client.query(
        "select * from audit.holds where concat('hold/', hold_id, '/', `change`) not in "
        "(select source_key from audit.events where action in ('hold_placed', 'hold_released')) order by changed_at"
    ).result()
    for row in rows:
        days = f"{row['first_day'] or ''}..{row['last_day'] or ''}"
        own_record(
            client, source_key=f"hold/{row['hold_id']}/{row['change']}", action=f"hold_{row['change']}",
            at=row["changed_at"], run_id=run_id, detail=f"{days} by {row['by']}: {row['reason']}",
            subject=row["subject"],
        )  # fmt: skip


@dataclass(frozen=True)
class Held:
    """What the holds in force keep; `subject_days`: those on which the audit record has a subject that is held."""

    holds: tuple[Hold, ...] = ()
    subject_days: frozenset[date] = frozenset()

    @classmethod
    def of(cls, holds: Iterable[Hold], days_of: dict[str, Collection[date]]) -> Held:
        """From the holds, and the days of each subject that one of them names. Raises KeyError for one without."""
        holds = tuple(holds)
        days = {day for hold in holds if hold.subject for day in days_of[hold.subject] if hold.covers(day)}
        return cls(holds, frozenset(days))

    @property
    def subjects(self) -> list[str]:
        """Subjects that a hold names."""
        return sorted({hold.subject for hold in self.holds if hold.subject})

    def keeps_day(self, day: date) -> bool:
        """Whether all rows of a day are kept, in a table that doesn't say whose they are."""
        return day in self.subject_days or any(hold.subject is None and hold.covers(day) for hold in self.holds)

    def keeps(self, subject: str | None, day: date) -> bool:
        """Whether a row of a table that says whose it is, is kept."""
        return any(hold.covers(day) and hold.subject in (None, subject) for hold in self.holds)

    def condition(self, day: str, names_subjects: bool) -> str:
        """SQL condition, never null, for rows that are kept; `day` is the expression of a row's day."""
        kept = []
        for hold in self.holds:
            span = f"{day} between date '{hold.first_day or '0001-01-01'}' and date '{hold.last_day or '9999-12-31'}'"
            if hold.subject is None:
                kept.append(f"({span})")
            elif names_subjects:
                kept.append(f"({SUBJECT} = '{hold.subject}' and {span})")
        if self.subject_days and not names_subjects:
            days = ", ".join(f"date '{each}'" for each in sorted(self.subject_days))
            kept.append(f"{day} in ({days})")
        return f"coalesce({' or '.join(kept)}, false)" if kept else "false"


def days_of_subjects(config: Config, client: bigquery.Client, subjects: Sequence[str]) -> dict[str, set[date]]:
    """Days on which the audit record has each subject, in the warehouse and in the cold tier. Raises ColdError."""
    found: dict[str, set[date]] = {subject: set() for subject in subjects}
    if not subjects:
        return found
    rows = client.query(
        "select distinct subject, event_day from audit.events where subject in unnest(@subjects)",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ArrayQueryParameter("subjects", "STRING", list(subjects))]
        ),
    ).result()
    for row in rows:
        found[row[SUBJECT]].add(row["event_day"])
    for copy in live_copies(client):
        if copy.table == EVENTS:
            with verified_file(filesystem(config), copy) as (path, _):
                for batch in read_file(path, [SUBJECT, "event_day"]):
                    for row in batch.to_pylist():
                        if row[SUBJECT] in found:
                            found[row[SUBJECT]].add(row["event_day"])
    return found


def _add(client: bigquery.Client, hold: Hold, change: str, run_id: str) -> None:
    ensure_tables(client)
    values = {
        "hold_id": ("STRING", hold.hold_id),
        "change": ("STRING", change),
        "subject": ("STRING", hold.subject),
        "first_day": ("DATE", hold.first_day),
        "last_day": ("DATE", hold.last_day),
        "reason": ("STRING", hold.reason),
        "by": ("STRING", hold.by),
        "changed_at": ("TIMESTAMP", format_instant(hold.placed_at)),
    }
    client.query(
        f"insert into audit.holds ({', '.join(f'`{name}`' for name in values)}) "
        f"values ({', '.join(f'@{name}_' for name in values)})",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter(f"{name}_", *value) for name, value in values.items()]
        ),
    ).result()
    record_holds(client, run_id)
