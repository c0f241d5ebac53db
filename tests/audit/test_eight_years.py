"""Retention over eight years of a simulated clock: what must stay stays, what must go goes, to the row.

At each stop of the clock the cold tier takes what is closed and the purge what is past. A model of the policy, written
here from its text alone, says which records must be where. Meanwhile holds are placed and released, a subject is
erased, a record comes late, and at the end a month is restored. CAMPAIGN=1 stops the clock every month and has records
in each.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from retention_kit import STREAM, a_world, add, an_event, keys, own, seal

from audit import merkle
from audit.cold import EVENTS, live_copies, verified_file
from audit.cold_archive import archive
from audit.cold_files import read_file
from audit.cold_restore import restore
from audit.erasure import SubjectHeld, erase
from audit.holds import place, release
from audit.own import record_id
from audit.policy_apply import apply, check
from audit.purge import purge
from audit.subjects import SubjectKeys, add_subjects, token_of
from warehouse.storage import filesystem

CAMPAIGN = bool(os.environ.get("CAMPAIGN"))
FIRST_YEAR, YEARS = 2019, 8
MONTHS = tuple(range(1, 13)) if CAMPAIGN else (1, 4)
STEPS = range(1, YEARS * 12 + 1) if CAMPAIGN else (6, *range(12, 85, 12), 90, 96)
"""Months of a year with records; where the clock stops, in months from the first day."""
KEPT, HOT, COLD_AFTER = 2557, 400, 45
HELD_FROM, HELD_UNTIL = date(2024, 1, 1), date(2027, 1, 1)
"""When both holds are placed and released: one on subject 0, one on HELD_DAYS."""
HELD_DAYS = (date(2019, 1, 15), date(2019, 1, 31))
ERASED_ON, LATE_ON = date(2025, 1, 1), date(2020, 1, 1)
LATE = date(2019, 4, 9)


def a_step(number: int) -> date:
    """First day of the month that is so many months after the first."""
    return date(FIRST_YEAR + number // 12, number % 12 + 1, 1)


def month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class Expected:
    """The policy in plain words: which records are hot, and which are in the cold tier since when."""

    def __init__(self, records: dict[str, tuple[date, int]]) -> None:
        self.records = records
        self.hot: set[str] = set()
        self.cold: dict[str, date] = {}
        self.came_back: set[str] = set()

    def is_held(self, key: str, today: date) -> bool:
        day, subject = self.records[key]
        return HELD_FROM <= today < HELD_UNTIL and (subject == 0 or HELD_DAYS[0] <= day <= HELD_DAYS[1])

    def step(self, today: date, arrived: set[str]) -> None:
        self.hot |= arrived
        for key in self.hot:
            end = month_end(self.records[key][0])
            if end + timedelta(days=COLD_AFTER) < today <= end + timedelta(days=KEPT):
                self.cold.setdefault(key, today)
        months: dict[date, list[str]] = {}
        for key in self.cold:
            months.setdefault(month_end(self.records[key][0]), []).append(key)
        for end, found in months.items():
            unlocked = max(self.cold[key] for key in found) + timedelta(days=KEPT - COLD_AFTER)
            if max(end + timedelta(days=KEPT), unlocked) < today:
                back = {key for key in found if self.is_held(key, today)}
                self.came_back |= back - self.hot
                self.hot |= back
                for key in found:
                    del self.cold[key]
        for key in list(self.hot):
            day = self.records[key][0]
            is_cool = key in self.cold and day + timedelta(days=HOT) < today
            if (is_cool or day + timedelta(days=KEPT) < today) and not self.is_held(key, today):
                self.hot.discard(key)


def in_cold(config, client) -> dict[str, dict[str, Any]]:
    """The records in the newest copy of each month, by key."""
    found = {}
    for copy in {copy.month: copy for copy in live_copies(client) if copy.table == EVENTS}.values():
        with verified_file(filesystem(config), copy) as (path, _):
            rows = [row for batch in read_file(path) for row in batch.to_pylist()]
        found |= {row["source_key"]: row for row in rows if row["stream"] == STREAM}
    return found


def test_eight_years(embedded, tmp_path):
    config, client = a_world(tmp_path)
    assert apply(config, client, lock=True) == []
    add_subjects(client, SubjectKeys(b"a key of the tests' own"), [f"p{n}" for n in range(3)], at(a_step(0)))
    tokens = [token_of(client, f"p{n}") for n in range(3)]
    records = {
        f"{year}-{month:02}-{number}": (date(year, month, day), number)
        for year in range(FIRST_YEAR, FIRST_YEAR + YEARS)
        for month in MONTHS
        for number, day in enumerate((5, 10, 20))
    } | {"late": (LATE, 1)}
    events = {
        key: an_event(key, day, int(tokens[subject], 16), amount)
        for amount, (key, (day, subject)) in enumerate(records.items())
    }
    users = [date(year, 3, 3) for year in range(FIRST_YEAR, FIRST_YEAR + YEARS)]
    expected, arrived, seal_no, holds = Expected(records), set(), 0, []
    last = a_step(0)

    for today in map(a_step, STEPS):
        new = {key for key, (day, _) in records.items() if day < today and key != "late"} - arrived
        arrived |= new
        add(client, EVENTS, [events[key] for key in sorted(new)])
        seal_no = seal(client, [events[key] for key in sorted(new)], seal_no)
        if today == LATE_ON:
            new |= {"late"}
            add(client, EVENTS, [events["late"]])
            seal_no = seal(client, [events["late"]], seal_no, on=today - timedelta(days=1))
        if fresh := [{"_event_date": f"{day}"} for day in users if last <= day < today]:
            add(client, "raw.firebase_auth_users", fresh)
        last = today
        if today == HELD_FROM:
            said = {"reason": "case 7", "by": "counsel", "at": at(today), "run_id": "t"}
            holds = [
                place(client, **said, subject=tokens[0]),
                place(client, **said, first_day=HELD_DAYS[0], last_day=HELD_DAYS[1]),
            ]
        if today == ERASED_ON:
            asked = {"reason": "ticket 12", "at": at(today), "run_id": "t"}
            with pytest.raises(SubjectHeld):
                erase(config, client, tokens[0], **asked)
            assert erase(config, client, tokens[1], **asked)
        if today == HELD_UNTIL:
            for hold in holds:
                release(client, hold, reason="closed", by="counsel", at=at(today), run_id="t")
        archive(config, client, today, "t")
        purge(config, client, today, "t")
        expected.step(today, new)
        assert keys(client) == sorted(expected.hot), today
        if today.month == 1 or today > date(2026, 1, 1):
            assert sorted(in_cold(config, client)) == sorted(expected.cold), today

    # By hand: of 2019 everything is gone; the rest is in the cold tier, and what is younger than 400 days is hot.
    a_year = 3 * len(MONTHS)
    cold = in_cold(config, client)
    if not CAMPAIGN:
        assert expected.came_back == {"2019-01-0", "2019-01-2"}  # subject 0; the range
        assert sorted(expected.hot) == sorted(key for key in records if key.startswith("2026"))
        assert set(cold) == {key for key in records if not key.startswith("2019") and key != "late"}
        assert (len(expected.hot), len(cold), len(records)) == (a_year, 7 * a_year, 8 * a_year + 1)
    left = client.query("select _event_date as day from raw.firebase_auth_users order by 1").result()
    assert [row["day"] for row in left] == [users[-1]]
    assert check(config, client) == []

    # What the purge says that it removed from the warehouse is what was added, and came back, less what is left.
    said = [row for row in own(client, "records_purged") if row["detail"]["table_name"] == EVENTS]
    removed = sum(int(row["amount"]) for row in said if row["detail"]["tier"] == "hot")
    assert removed == len(records) + len(expected.came_back) - len(expected.hot)

    # After erasure, holds and purges every record that is left has its hash, and every seal its root.
    for row in [*client.query(f"select * from {EVENTS}").result(), *cold.values()]:
        assert record_id(row) == row["record_id"]
    assert {key: row["record_id"] for key, row in cold.items()} == {key: events[key]["record_id"] for key in cold}
    trees: dict[date, list[bytes]] = {}
    for leaf in client.query("select * from audit.leaves order by seal_day, position").result():
        trees.setdefault(leaf["seal_day"], []).append(bytes.fromhex(leaf["record_id"]))
    roots = {day: merkle.root(leaves).hex() for day, leaves in trees.items()}
    assert {row["seal_day"]: row["root"] for row in client.query("select * from audit.seals").result()} == roots
    assert sum(map(len, trees.values())) == len(records)
    assert {
        row["subject"]: row["wrapped_key"] is None for row in client.query("select * from audit.subjects").result()
    } == {
        tokens[0]: False,
        tokens[1]: True,
        tokens[2]: False,
    }

    # Restore drill: a month that is in the cold tier alone comes back as it was.
    assert [key for key in expected.hot if key.startswith("2023-04")] == []
    done = restore(config, client, EVENTS, date(2023, 4, 1), "t")
    back = [dict(row) for row in client.query(f"select * from {done.target}").result()]
    found = {row["source_key"]: row for row in back if row["stream"] == STREAM}
    assert found == {key: row for key, row in cold.items() if key.startswith("2023-04")}
    assert (done.rows, done.seals) == (len(back), 3)
    if not CAMPAIGN:  # where the clock stops every month, purges of that one left records of their own in it
        assert len(back) == 3
