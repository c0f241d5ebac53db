"""The cold tier: closed months, read back; exactly once; restored as they were; damage and loss are found."""

from __future__ import annotations

import json
from datetime import date

import pyarrow.parquet as pq
import pytest
from retention_kit import a_charge, a_world, add, an_event, keys, own, seal

from audit import cold_archive
from audit.cold import ColdError, live_copies
from audit.cold_archive import archive
from audit.cold_restore import restore
from audit.own import record_id
from warehouse.storage import filesystem

DAYS = [date(2020, 1, 5), date(2020, 1, 5), date(2020, 1, 31), date(2020, 2, 1)]
EVENTS = [an_event(f"e{number}", day, number) for number, day in enumerate(DAYS)]
JANUARY = date(2020, 1, 1)


@pytest.fixture
def world(embedded, tmp_path):
    config, client = a_world(tmp_path)
    add(client, "audit.events", EVENTS)
    seal(client, EVENTS)
    return config, client


def whole(client, table: str) -> list[dict]:
    return [dict(row) for row in client.query(f"select * from {table} order by source_key").result()]


def test_a_closed_month_is_copied_when_it_is_due_and_once(world):
    config, client = world
    assert archive(config, client, date(2020, 3, 16), "r1") == []  # 31 January + 45 days is 16 March
    (copy,) = archive(config, client, date(2020, 3, 17), "r2")
    assert (copy.table, copy.month, copy.generation, copy.rows) == ("audit.events", JANUARY, 0, 3)
    assert copy.uri == f"{config.audit.cold}/audit.events/2020-01.parquet"
    assert archive(config, client, date(2020, 3, 18), "r3") == []
    assert archive(config, client, date(2020, 3, 18), "r4", recheck=True) == []
    assert live_copies(client) == [copy]
    assert [copy.month.month for copy in archive(config, client, date(2020, 4, 16), "r5")] == [2]


def test_a_copy_is_parquet_that_anybody_can_read_with_a_manifest_that_names_the_seals(world):
    config, client = world
    (copy,) = archive(config, client, date(2020, 3, 17), "r")
    storage = filesystem(config)
    with storage.open(copy.uri) as file:
        rows = pq.read_table(file).to_pylist()
    assert sorted(row["source_key"] for row in rows) == ["e0", "e1", "e2"]
    assert all(record_id(row) == row["record_id"] for row in rows)
    manifest = json.loads(storage.read(copy.manifest_uri))
    assert (manifest["rows"], manifest["month"], manifest["sha256"]) == (3, "2020-01", copy.sha256)
    seals = client.query("select * from audit.seals order by seal_no").result()
    wanted = [(row["seal_no"], str(row["seal_day"]), row["root"], row["seal_hash"]) for row in seals]
    stated = [(each["seal_no"], each["seal_day"], each["root"], each["seal_hash"]) for each in manifest["seals"]]
    assert stated == wanted[:2]


def test_what_came_late_is_in_the_next_copy_with_what_was_there(world):
    config, client = world
    archive(config, client, date(2020, 3, 17), "r")
    add(client, "audit.events", [an_event("late", date(2020, 1, 9))])
    client.query("delete from audit.events where source_key = 'e0'").result()  # as if it were in the cold tier alone
    client.query("delete from audit.events where source_key = 'e2'").result()
    (copy,) = archive(config, client, date(2020, 3, 18), "r")
    assert (copy.generation, copy.rows) == (1, 4)
    assert copy.uri.endswith("/2020-01.1.parquet")
    assert [each.generation for each in live_copies(client)] == [0, 1]


def test_a_row_that_changed_without_their_number_is_found_by_a_recheck(world):
    config, client = world
    add(client, "raw.stripe_charges", [a_charge(1, DAYS[0], amount=5)])
    archive(config, client, date(2020, 3, 17), "r")
    client.query("update raw.stripe_charges set amount = numeric '6' where true").result()
    assert archive(config, client, date(2020, 3, 18), "r") == []
    (copy,) = archive(config, client, date(2020, 3, 18), "r", recheck=True)
    assert (copy.table, copy.generation, copy.rows) == ("raw.stripe_charges", 1, 2)


def test_rows_without_a_day_go_with_the_day_they_were_landed(world):
    config, client = world
    add(client, "raw.stripe_charges", [a_charge(1, DAYS[0]), a_charge(2, None, date(2020, 1, 8))])
    copies = {copy.table: copy.rows for copy in archive(config, client, date(2020, 3, 17), "r")}
    assert copies == {"audit.events": 3, "raw.stripe_charges": 2}


@pytest.mark.parametrize("step", ["upload", "_write_manifest", "recorded"])
def test_killed_at_any_step_the_next_run_ends_as_if_nothing_had_happened(world, monkeypatch, step):
    config, client = world
    owner = cold_archive.Storage if step == "upload" else cold_archive
    whole_step = getattr(owner, step)

    def killed(*args):
        if step == "upload":
            whole_step(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, killed)
    with pytest.raises(KeyboardInterrupt):
        archive(config, client, date(2020, 3, 17), "r1")
    assert live_copies(client) == []
    monkeypatch.undo()
    (copy,) = archive(config, client, date(2020, 3, 17), "r2")
    assert (copy.generation, copy.rows) == (0, 3)
    names = [found.uri.rsplit("/", 1)[1] for found in filesystem(config).list(config.audit.cold)]
    assert names == ["2020-01.json", "2020-01.parquet"]


def test_a_file_left_with_other_rows_is_never_overwritten(world):
    config, client = world
    uri = f"{config.audit.cold}/audit.events/2020-01.parquet"
    filesystem(config).write(uri, b"something else")
    (copy,) = archive(config, client, date(2020, 3, 17), "r")
    assert copy.uri.endswith("/2020-01.1.parquet")
    assert filesystem(config).read(uri) == b"something else"


def test_a_month_is_restored_beside_the_table_and_into_it_row_for_row(world):
    config, client = world
    before = whole(client, "audit.events")
    archive(config, client, date(2020, 3, 17), "r")
    client.query("delete from audit.events where event_day = date '2020-01-05'").result()
    done = restore(config, client, "audit.events", JANUARY, "r")
    assert (done.target, done.rows, done.seals) == ("scratch.restored_audit_events_2020_01", 3, 2)
    assert whole(client, done.target) == before[:3]
    assert keys(client) == ["e2", "e3"]
    for added in (2, 0):
        assert restore(config, client, "audit.events", JANUARY, "r", into_hot=True).added == added
        rows = [row for row in whole(client, "audit.events") if row["stream"] != "warehouse"]
        assert rows == before
    assert [(row["amount"], row["unit"]) for row in own(client, "month_restored")] == [(2, "rows"), (0, "rows")]


def test_a_damaged_missing_or_rewritten_copy_is_refused(world):
    config, client = world
    (copy,) = archive(config, client, date(2020, 3, 17), "r")
    storage = filesystem(config)
    good, manifest = storage.read(copy.uri), storage.read(copy.manifest_uri)

    def refused(why: str) -> None:
        with pytest.raises(ColdError, match=why):
            restore(config, client, "audit.events", JANUARY, "r")

    storage.write(copy.uri, good[:100] + bytes([good[100] ^ 1]) + good[101:])
    refused("another file")
    storage.delete(copy.uri)
    refused("is missing")
    storage.write(copy.uri, good)
    storage.write(copy.manifest_uri, manifest.replace(b'"rows": 3', b'"rows": 2'))
    refused("says otherwise")
    storage.write(copy.manifest_uri, manifest)
    with pytest.raises(ColdError, match="no copy"):
        restore(config, client, "audit.events", date(2019, 1, 1), "r")


def test_a_copy_of_forged_records_does_not_pass_the_seals(world):
    config, client = world
    forged = EVENTS[0] | {"amount": "7"}
    client.query("delete from audit.events where source_key = 'e0'").result()
    add(client, "audit.events", [forged])
    archive(config, client, date(2020, 3, 17), "r")
    with pytest.raises(ColdError, match="its bytes have another hash"):
        restore(config, client, "audit.events", JANUARY, "r")


def test_a_copy_without_a_sealed_record_does_not_pass_the_seals(world):
    config, client = world
    client.query("delete from audit.events where source_key = 'e2'").result()
    archive(config, client, date(2020, 3, 17), "r")
    with pytest.raises(ColdError, match="of 2020-01-31 is sealed and not in the copy"):
        restore(config, client, "audit.events", JANUARY, "r")


def test_a_seal_with_another_root_is_noticed(world):
    config, client = world
    archive(config, client, date(2020, 3, 17), "r")
    client.query("update audit.seals set root = repeat('0', 64) where seal_day = date '2020-01-31'").result()
    with pytest.raises(ColdError, match=r"seal of platform/money 2020-01-31"):
        restore(config, client, "audit.events", JANUARY, "r")
