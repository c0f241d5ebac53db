"""The purge: what is past its time goes, exactly; what is held, unsealed, unverified or locked stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from retention_kit import a_charge, a_world, add, an_event, keys, own, seal, token

from audit import cold
from audit import purge as purge_module
from audit.cold import ColdError, live_copies
from audit.cold_archive import archive
from audit.holds import HoldError, current_holds, place, release
from audit.policy_apply import apply
from audit.purge import purge
from warehouse.storage import filesystem

DAYS = [date(2020, 1, 5), date(2020, 1, 20), date(2020, 2, 1)]
EVENTS = [an_event(f"e{number}", day, number) for number, day in enumerate(DAYS)]
ARCHIVED = date(2020, 4, 16)
AT = datetime(2029, 12, 1, tzinfo=UTC)  # a hold's own record is not past its time in any of these tests
END = 2557


@pytest.fixture
def world(embedded, tmp_path):
    config, client = a_world(tmp_path)
    add(client, "audit.events", EVENTS)
    seal(client, EVENTS)
    return config, client


def hold(client, **names) -> str:
    return place(client, reason="case 7", by="counsel", at=AT, run_id="t", **names)


def removed(done) -> list[tuple]:
    """What went. The purge's own records, which nothing seals here, stay and are left out."""
    return [
        (each.table, each.tier, each.cause, str(each.first_day), str(each.last_day), each.rows)
        for each in done
        if each.rows
    ]


def test_hot_days_go_when_the_cold_tier_has_them_and_not_a_day_earlier(world):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    assert purge(config, client, DAYS[0] + timedelta(days=400), "t") == []
    as_of = DAYS[0] + timedelta(days=401)
    would = removed(purge(config, client, as_of, "t", dry_run=True))
    assert keys(client) == ["e0", "e1", "e2"]
    assert would == [("audit.events", "hot", "in_cold", "2020-01-05", "2020-01-05", 1)]
    assert removed(purge(config, client, as_of, "t")) == would
    assert keys(client) == ["e1", "e2"]
    assert purge(config, client, as_of, "t") == []
    (record,) = own(client, "records_purged")
    assert (record["amount"], record["unit"], record["detail"]["cause"]) == (1, "rows", "in_cold")
    assert (record["detail"]["table_name"], record["detail"]["last_day"]) == ("audit.events", "2020-01-05")


def test_without_a_copy_nothing_leaves_the_warehouse_before_its_time(world):
    config, client = world
    assert purge(config, client, DAYS[2] + timedelta(days=END), "t")[0].cause == "past"
    assert keys(client) == ["e2"]


def test_a_row_that_the_copy_lacks_keeps_its_month_in_the_warehouse(world):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    late = an_event("late", date(2020, 1, 9))
    add(client, "audit.events", [late])
    seal(client, [late], 3)
    as_of = date(2021, 3, 1)
    assert purge(config, client, as_of, "t") == []
    archive(config, client, as_of, "t")
    assert removed(purge(config, client, as_of, "t")) == [
        ("audit.events", "hot", "in_cold", "2020-01-05", "2020-01-20", 3)
    ]


def test_a_damaged_copy_stops_the_purge(world):
    config, client = world
    copies = archive(config, client, ARCHIVED, "t")
    filesystem(config).write(copies[0].uri, b"x")
    with pytest.raises(ColdError, match="another file"):
        purge(config, client, date(2022, 1, 1), "t")
    assert keys(client) == ["e0", "e1", "e2"]


def test_what_no_seal_covers_stays(world):
    config, client = world
    add(client, "audit.events", [an_event("unsealed", DAYS[0])])
    done = purge(config, client, DAYS[1] + timedelta(days=END + 1), "t")
    assert [(each.rows, each.unsealed) for each in done] == [(2, 1)]
    assert keys(client) == ["e2", "unsealed"]


def test_past_its_time_everything_goes_hot_and_cold_and_the_seals_stay(world):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    purge(config, client, date(2021, 6, 1), "t")
    assert keys(client) == []
    january = date(2020, 1, 31) + timedelta(days=END)
    assert removed(purge(config, client, january, "t")) == []
    assert removed(purge(config, client, january + timedelta(days=1), "t")) == [
        ("audit.events", "cold", "past", "2020-01-01", "2020-01-31", 2)
    ]
    assert [found.uri.rsplit("/", 1)[1] for found in filesystem(config).list(config.audit.cold)] == [
        "2020-02.json",
        "2020-02.parquet",
    ]
    assert [copy.month for copy in live_copies(client)] == [date(2020, 2, 1)]
    assert len(keys(client, "audit.seals", "seal_no")) == 3
    assert len(keys(client, "audit.leaves", "record_id")) == 3


def test_a_locked_copy_stays_until_the_lock_ends(world):
    config, client = world
    apply(config, client, lock=True)
    late = ARCHIVED + timedelta(days=100)
    archive(config, client, late, "t")
    past = date(2020, 2, 29) + timedelta(days=END + 1)
    assert [each.locked for each in purge(config, client, past, "t") if each.tier == "cold"] == [True, True]
    assert len(live_copies(client)) == 2
    assert purge(config, client, late + timedelta(days=2512), "t")[0].locked
    assert not purge(config, client, late + timedelta(days=2513), "t")[0].locked
    assert live_copies(client) == []


def test_a_hold_on_a_subject_keeps_its_records_and_the_days_of_tables_without_subjects(world):
    config, client = world
    add(client, "raw.stripe_charges", [a_charge(number, day) for number, day in enumerate(DAYS)])
    hold_id = hold(client, subject=token(1))
    done = purge(config, client, DAYS[2] + timedelta(days=END + 1), "t")
    assert [(each.table, each.rows, each.held) for each in done] == [
        ("audit.events", 1, 1),
        ("audit.events", 1, 0),
        ("raw.stripe_charges", 1, 1),
        ("raw.stripe_charges", 1, 0),
    ]
    assert (keys(client), keys(client, "raw.stripe_charges", "id")) == (["e1"], ["ch_1"])
    release(client, hold_id, reason="closed", by="counsel", at=AT + timedelta(days=1), run_id="t")
    assert [each.rows for each in purge(config, client, DAYS[2] + timedelta(days=END + 2), "t")] == [1, 1]
    assert keys(client) == keys(client, "raw.stripe_charges", "id") == []


def test_a_hold_on_a_range_keeps_its_days_both_ends_included(world):
    config, client = world
    hold(client, first_day=DAYS[1], last_day=DAYS[2])
    purge(config, client, date(2030, 1, 1), "t")
    assert keys(client) == ["e1", "e2"]


def test_a_hold_on_a_subject_and_a_range_keeps_no_more_than_both_name(world):
    config, client = world
    hold(client, subject=token(1), first_day=DAYS[2])
    hold(client, subject=token(2), first_day=DAYS[2])
    purge(config, client, date(2030, 1, 1), "t")
    assert keys(client) == ["e2"]


def test_a_hold_on_everything_stops_all(world):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    hold(client)
    assert {(each.rows, each.held) for each in purge(config, client, date(2030, 1, 1), "t")} == {(0, 1), (0, 2)}
    assert keys(client) == ["e0", "e1", "e2"]


def test_held_records_that_are_in_the_cold_tier_alone_come_back_before_the_copy_goes(world):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    purge(config, client, date(2021, 6, 1), "t")
    assert keys(client) == []
    hold(client, subject=token(1))
    done = [each for each in purge(config, client, date(2030, 1, 1), "t") if each.rows or each.held]
    assert [(each.tier, each.rows, each.held) for each in done] == [("cold", 1, 1), ("cold", 1, 0), ("hot", 0, 1)]
    assert (keys(client), live_copies(client)) == (["e1"], [])
    archive(config, client, date(2030, 1, 2), "t")
    assert live_copies(client) == []  # what is past its time isn't copied again
    row = next(iter(client.query("select * from audit.events where source_key = 'e1'").result()))
    assert row["record_id"] == EVENTS[1]["record_id"]


def test_killed_between_word_and_deed_the_next_purge_deletes_the_copy(world, monkeypatch):
    config, client = world
    archive(config, client, ARCHIVED, "t")
    monkeypatch.setattr(cold, "_delete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        purge(config, client, date(2030, 1, 1), "t")
    monkeypatch.undo()
    assert len(list(filesystem(config).list(config.audit.cold))) == 4
    purge(config, client, date(2030, 1, 1), "t")
    assert list(filesystem(config).list(config.audit.cold)) == []
    assert sorted((row["detail"]["tier"], row["amount"]) for row in own(client, "records_purged")) == [
        ("cold", 1),
        ("cold", 2),
        ("hot", 1),
        ("hot", 2),
    ]


def test_killed_before_its_record_the_next_purge_adds_it(world, monkeypatch):
    config, client = world
    monkeypatch.setattr(purge_module, "own_record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        purge(config, client, date(2030, 1, 1), "t")
    monkeypatch.undo()
    assert (keys(client), own(client, "records_purged")) == ([], [])
    assert purge(config, client, date(2030, 1, 1), "t") == []
    assert sorted(row["amount"] for row in own(client, "records_purged")) == [1, 2]
    purge(config, client, date(2030, 1, 2), "t")
    assert len(own(client, "records_purged")) == 2


def test_rows_that_come_in_between_are_not_removed_unseen(world, monkeypatch):
    config, client = world
    noted = purge_module._noted

    def late(*args):
        add(client, "raw.stripe_charges", [a_charge(2, DAYS[0])])
        return noted(*args)

    add(client, "raw.stripe_charges", [a_charge(1, DAYS[0])])
    client.query("delete from audit.events where true").result()
    monkeypatch.setattr(purge_module, "_noted", late)
    with pytest.raises(Exception, match="have changed since"):
        purge(config, client, date(2030, 1, 1), "t")
    assert keys(client, "raw.stripe_charges", "id") == ["ch_1", "ch_2"]
    assert keys(client, "audit.purges", "purge_id") == []


def test_objects_as_received_go_when_they_are_loaded_past_their_time_and_not_held(world):
    config, client = world
    landed = {"a": ("loaded", DAYS[0]), "b": ("landed", DAYS[0]), "c": ("loaded", DAYS[2]), "d": ("duplicate", DAYS[0])}
    for name, (state, day) in landed.items():
        uri = f"{config.landing}/stripe/charges/{name}.gz"
        filesystem(config).write(uri, b"x")
        add(
            client,
            "ops.objects",
            [
                {
                    "uri": uri,
                    "source": "stripe",
                    "state": state,
                    "landed_at": f"{day}T01:00:00Z",
                    "window_start": f"{day}T00:00:00Z",
                    "window_end": f"{day + timedelta(days=1)}T00:00:00Z",
                    "event_dates": f'["{day}"]' if state == "loaded" else "[]",
                }
            ],
        )
    client.query("delete from audit.events where true").result()
    hold_id = hold(client, first_day=DAYS[2], last_day=DAYS[2])
    assert purge(config, client, DAYS[0] + timedelta(days=180), "t") == []
    done = purge(config, client, date(2021, 1, 1), "t")
    assert [(each.table, each.rows, each.held) for each in done] == [("landing/stripe", 2, 0), ("landing/stripe", 0, 1)]
    release(client, hold_id, reason="closed", by="counsel", at=AT, run_id="t")
    purge(config, client, date(2021, 1, 1), "t")
    left = [found.uri.rsplit("/", 1)[1] for found in filesystem(config).list(config.landing)]
    assert left == ["b.gz"]
    assert sorted((row["amount"], row["unit"]) for row in own(client, "records_purged")) == [
        (1, "objects"),
        (2, "objects"),
    ]


def test_holds_are_listed_released_once_and_each_change_is_a_record(world):
    _, client = world
    first, second = hold(client, subject=token(1)), hold(client, first_day=DAYS[0], last_day=DAYS[1])
    assert [
        (each.hold_id, each.subject, each.first_day) for each in current_holds(client) if each.hold_id == first
    ] == [(first, token(1), None)]
    assert len(current_holds(client)) == 2
    release(client, first, reason="closed", by="counsel", at=AT, run_id="t")
    assert [each.hold_id for each in current_holds(client)] == [second]
    with pytest.raises(HoldError, match="no hold"):
        release(client, first, reason="closed", by="counsel", at=AT, run_id="t")
    assert [(row["subject"], row["detail"]) for row in own(client, "hold_placed")] == [
        (token(1), ".. by counsel: case 7"),
        (None, "2020-01-05..2020-01-20 by counsel: case 7"),
    ]
    assert [row["subject"] for row in own(client, "hold_released")] == [token(1)]
    for names in ({"subject": "alice"}, {"first_day": DAYS[1], "last_day": DAYS[0]}):
        with pytest.raises(HoldError):
            hold(client, **names)
