"""Erasure: the key and the pseudonym are gone, everything else is as it was; a hold stops it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from retention_kit import a_world, add, an_event, own, seal, token

from audit import erasure
from audit.cold_archive import archive
from audit.erasure import SubjectHeld, UnknownSubject, erase
from audit.holds import place, release
from audit.own import record_id
from audit.purge import purge
from audit.subjects import SubjectKeys, SubjectUnreadable, add_subjects, open_value, token_of

DAY = date(2020, 1, 5)
AT = datetime(2020, 3, 1, 9, tzinfo=UTC)
MASTER = SubjectKeys(b"a key of the tests' own")


@pytest.fixture
def world(embedded, tmp_path):
    """Two subjects with an event each, sealed."""
    config, client = a_world(tmp_path)
    add_subjects(client, MASTER, ["pseudonym-a", "pseudonym-b"], AT)
    subjects = [token_of(client, name) for name in ("pseudonym-a", "pseudonym-b")]
    events = [an_event(f"e{number}", DAY, int(subject, 16)) for number, subject in enumerate(subjects)]
    add(client, "audit.events", events)
    seal(client, events)
    return config, client, subjects


def rows(client, table: str) -> list[dict]:
    return [dict(row) for row in client.query(f"select * from {table} order by 1, 2").result()]


def do(config, client, subject: str, at: datetime = AT) -> bool:
    return erase(config, client, subject, reason="asked for, ticket 12", at=at, run_id="t")


def test_key_and_pseudonym_are_destroyed_and_nothing_else_changes(world):
    config, client, (a, b) = world
    before = {row["subject"]: row for row in rows(client, "audit.subjects")}
    values, events = rows(client, "audit.subject_values"), rows(client, "audit.events")
    sealed = {row["subject"]: row["sealed_value"] for row in values}
    key = MASTER.unwrap(before[a]["wrapped_key"], a)
    assert open_value(key, a, "pseudonym", sealed[a]) == "pseudonym-a"
    assert do(config, client, a)
    after = {row["subject"]: row for row in rows(client, "audit.subjects")}
    assert after[a] == before[a] | {"pseudonym": None, "wrapped_key": None, "erased_at": AT}
    assert after[b] == before[b]
    assert token_of(client, "pseudonym-a") is None
    with pytest.raises(SubjectUnreadable):
        open_value(MASTER.unwrap(after[b]["wrapped_key"], b), a, "pseudonym", sealed[a])
    assert rows(client, "audit.subject_values") == values
    kept = [row for row in rows(client, "audit.events") if row["stream"] != "warehouse"]
    assert kept == events
    assert all(record_id(row) == row["record_id"] for row in rows(client, "audit.events"))


def test_an_erasure_is_one_record_however_often_it_is_asked_for(world):
    config, client, (a, _) = world
    assert [do(config, client, a, AT + timedelta(days=n)) for n in range(3)] == [True, False, False]
    assert [(row["subject"], row["detail"]) for row in own(client, "subject_erased")] == [(a, "asked for, ticket 12")]
    assert {row["erased_at"] for row in rows(client, "audit.subjects")} == {AT, None}


def test_killed_before_its_record_the_next_call_adds_it_with_the_time_of_the_erasure(world, monkeypatch):
    config, client, (a, _) = world
    monkeypatch.setattr(erasure, "own_record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        do(config, client, a)
    monkeypatch.undo()
    assert do(config, client, a, AT + timedelta(days=1)) is False
    found = client.query("select `at` as stated from audit.events where action = 'subject_erased'").result()
    assert [row["stated"] for row in found] == [AT]


@pytest.mark.parametrize(
    ("names", "stopped"),
    [
        ({"own": True}, True),
        ({"other": True}, False),
        ({}, True),
        ({"first_day": DAY, "last_day": DAY}, True),
        ({"first_day": DAY + timedelta(days=1)}, False),
        ({"last_day": DAY - timedelta(days=1)}, False),
    ],
    ids=["own", "other", "everything", "its-day", "later", "earlier"],
)
def test_a_hold_that_covers_the_subject_stops_its_erasure(world, names, stopped):
    config, client, (a, b) = world
    subject = a if names.pop("own", False) else b if names.pop("other", False) else None
    hold_id = place(client, reason="case 7", by="counsel", at=AT, run_id="t", subject=subject, **names)
    if not stopped:
        assert do(config, client, a)
        return
    with pytest.raises(SubjectHeld, match=hold_id):
        do(config, client, a)
    assert {row["erased_at"] for row in rows(client, "audit.subjects")} == {None}
    release(client, hold_id, reason="closed", by="counsel", at=AT, run_id="t")
    assert do(config, client, a)


def test_a_hold_on_days_covers_a_subject_whose_records_are_in_the_cold_tier_alone(world):
    config, client, (a, _) = world
    archive(config, client, date(2020, 4, 1), "t")
    purge(config, client, date(2022, 1, 1), "t")
    assert [row for row in rows(client, "audit.events") if row["stream"] != "warehouse"] == []
    place(client, reason="case 7", by="counsel", at=AT, run_id="t", first_day=DAY, last_day=DAY)
    with pytest.raises(SubjectHeld):
        do(config, client, a)


@pytest.mark.parametrize("subject", [token(5), "alice", "' or true --"])
def test_who_is_not_known_is_not_erased(world, subject):
    config, client, _ = world
    with pytest.raises(UnknownSubject):
        do(config, client, subject)
    assert {row["erased_at"] for row in rows(client, "audit.subjects")} == {None}
