"""Sealing closed days: what a seal holds, late records, days without records, killed and doubled runs."""

from __future__ import annotations

import itertools
import os
import threading
from datetime import date

import pytest
from sealed_world import add_events
from synthetic_log import CHAIN, PLATFORM, event, small_log

from audit import seal
from audit.heads import consistency, head_at, is_consistent, seal_path, size_on
from audit.merkle import EMPTY_ROOT, root, root_from_inclusion
from audit.seal import SealDisagreement, seal_window
from warehouse.window import Window

KNOWN = small_log()
CAMPAIGN = bool(os.environ.get("CAMPAIGN"))


def window(end: str) -> Window:
    return Window.parse("2026-10-05", end)


def of_days(*days: int):
    return [row for row in KNOWN.events if row["event_day"].day in days and not row["source_key"].startswith("late")]


LATE = [row for row in KNOWN.events if row["source_key"].startswith("late")]


def seals(rows_of) -> list[dict]:
    """Those of the sources; the warehouse's own stream is looked at apart."""
    return rows_of("select * from audit.seals where stream != 'warehouse' order by seal_no")


def test_seals_are_those_made_by_hand(audit_config, audit_client, rows_of):
    add_events(audit_client, *of_days(5))
    assert seal_window(audit_config, audit_client, window("2026-10-06T05:00"), "r1").records == 10
    add_events(audit_client, *LATE, *of_days(6))
    seal_window(audit_config, audit_client, window("2026-10-07"), "r2")
    add_events(audit_client, *of_days(7))
    seal_window(audit_config, audit_client, window("2026-10-08"), "r3")
    made = seals(rows_of)
    fields = ("seal_day", "stream", "records", "late_records", "root", "prev_seal")
    assert [str(seal["seal_day"]) for seal in made] == [seal["seal_day"] for seal in KNOWN.seals]
    for mine, known in zip(made, KNOWN.seals, strict=True):
        assert [mine[name] for name in fields[1:5]] == [known[name] for name in fields[1:5]]
    numbers = [row["seal_no"] for row in rows_of("select seal_no from audit.seals order by seal_no")]
    assert numbers == list(range(len(numbers)))
    first = [mine for mine in made if mine["seal_day"] == date(2026, 10, 5)]
    assert [mine["seal_hash"] for mine in first] == [known["seal_hash"] for known in KNOWN.seals[:2]]
    assert made[3]["prev_seal"] == made[1]["seal_hash"]
    leaves = rows_of("select * from audit.leaves where stream != 'warehouse' order by seal_day, stream, position")
    assert leaves == [{name: row[name] for name in leaves[0]} for row in KNOWN.leaves]
    own = rows_of("select source_key, event_day, amount from audit.events where stream = 'warehouse' order by `at`")
    assert [(row["source_key"], str(row["event_day"])) for row in own] == [
        ("seals/0-1", "2026-10-06"), ("seals/2-4", "2026-10-07"), ("seals/5-7", "2026-10-08"),
    ]  # fmt: skip
    late = rows_of("select sum(late_records) as late from audit.seals where stream = 'warehouse'")
    assert late == [{"late": 0}]
    scratch = rows_of("select table_name from scratch.INFORMATION_SCHEMA.TABLES where table_name like 'seal%'")
    assert scratch == []


def test_days_that_nobody_sealed_are_sealed_at_once_in_order(audit_config, audit_client, rows_of):
    add_events(audit_client, *KNOWN.events)
    done = seal_window(audit_config, audit_client, window("2026-10-08T23:00"), "r1")
    assert [(s["seal_no"], s["seal_day"], s["stream"], s["records"]) for s in done.seals] == [
        (0, "2026-10-05", CHAIN, 3), (1, "2026-10-05", PLATFORM, 9),
        (2, "2026-10-06", CHAIN, 0), (3, "2026-10-06", PLATFORM, 7),
        (4, "2026-10-07", CHAIN, 1), (5, "2026-10-07", PLATFORM, 2),
    ]  # fmt: skip
    assert done.seals[2]["root"] == EMPTY_ROOT.hex()
    assert seal_window(audit_config, audit_client, window("2026-10-08T23:00"), "r2").seals == ()
    assert len(rows_of("select * from audit.leaves")) == len(KNOWN.events)


def test_records_that_come_late_go_into_the_next_seal_also_years_later(audit_config, audit_client, rows_of):
    add_events(audit_client, *of_days(5))
    seal_window(audit_config, audit_client, window("2026-10-06"), "r1")
    old = event(PLATFORM, "old", "2021-02-03T04:05:06")
    add_events(audit_client, *LATE, old, event("stripe/acct", "new", "2026-10-04T00:00:00"))
    assert seal_window(audit_config, audit_client, window("2026-10-06"), "r2").seals[0]["stream"] == "stripe/acct"
    seal_window(audit_config, audit_client, window("2026-10-07"), "r3")
    [mine] = [s for s in seals(rows_of) if (s["stream"], str(s["seal_day"])) == (PLATFORM, "2026-10-06")]
    assert (mine["records"], mine["late_records"]) == (3, 3)
    leaves = [old, *LATE]
    assert mine["root"] == root([bytes.fromhex(row["record_id"]) for row in leaves]).hex()
    assert [str(s["seal_day"]) for s in seals(rows_of) if s["stream"] == "stripe/acct"] == [
        "2026-10-04", "2026-10-05", "2026-10-06",
    ]  # fmt: skip


def test_a_record_that_stands_twice_is_sealed_once(audit_config, audit_client, rows_of):
    add_events(audit_client, *of_days(5), *of_days(5)[:2])
    assert seal_window(audit_config, audit_client, window("2026-10-06"), "r1").records == 10


def test_two_processes_at_once_make_one_log(audit_config, audit_client, rows_of):
    add_events(audit_client, *KNOWN.events)
    done = []

    def work(number: int) -> None:
        done.append(seal_window(audit_config, audit_client, window("2026-10-08"), f"r{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(sealed.seals) for sealed in done) == [0, 0, 6]
    assert [s["seal_no"] for s in seals(rows_of)] == list(range(6))
    assert len(rows_of("select * from audit.leaves")) == len(KNOWN.events)


class Killed(BaseException):
    """Not an error that anything could handle."""


def killed_at(client, number: int, after: bool, monkeypatch):
    """The client's query of this number (from 0) kills the process: before it is sent, or after it was done."""
    query, count = client.query, itertools.count()

    def counted(*args, **kwargs):
        if next(count) != number:
            return query(*args, **kwargs)
        if after:
            query(*args, **kwargs).result()
        raise Killed

    monkeypatch.setattr(client, "query", counted)


def held(rows_of) -> tuple[list[str], int, int]:
    """What a whole run leaves: the seals, leaves, and records of its own."""
    own = rows_of("select count(*) as n from audit.events where action = 'sealed'")[0]["n"]
    leaves = rows_of("select count(*) as n from audit.leaves")[0]["n"]
    return [seal["seal_hash"] for seal in seals(rows_of)], leaves, own


def test_a_run_that_is_killed_anywhere_ends_as_one_that_was_not(audit_config, audit_client, rows_of, monkeypatch):
    sent: list[str] = []
    with monkeypatch.context() as patch:
        query = audit_client.query
        patch.setattr(audit_client, "query", lambda sql, **more: sent.append(sql) or query(sql, **more))
        add_events(audit_client, *KNOWN.events)
        seal_window(audit_config, audit_client, window("2026-10-08"), "r0")
    whole = held(rows_of)
    assert (len(whole[0]), whole[1:]) == (6, (len(KNOWN.events), 1))
    commit = next(n for n, sql in enumerate(sent) if "commit transaction" in sql) - 1  # the first added the events
    every = [(n, after) for n in range(len(sent) - 1) for after in (False, True)]
    for number, after in every if CAMPAIGN else [(commit, False), (commit, True)]:
        for table in ("leaves", "tree_nodes", "sealed_days", "seals"):
            audit_client.query(f"delete from audit.{table} where true").result()
        audit_client.query("delete from audit.events where stream = 'warehouse'").result()
        with monkeypatch.context() as patch:
            killed_at(audit_client, number, after, patch)
            with pytest.raises(Killed):
                seal_window(audit_config, audit_client, window("2026-10-08"), "r1")
        assert held(rows_of)[:2] in (([], 0), whole[:2])
        seal_window(audit_config, audit_client, window("2026-10-08"), "r2")
        assert held(rows_of) == whole


def test_nothing_is_written_where_sql_and_python_disagree(audit_config, audit_client, rows_of, monkeypatch):
    add_events(audit_client, *of_days(5))
    monkeypatch.setattr(seal.merkle, "root", lambda leaves: bytes(32))
    with pytest.raises(SealDisagreement, match="in Python 0000"):
        seal_window(audit_config, audit_client, window("2026-10-06"), "r1")
    assert seals(rows_of) == []


def test_heads_and_proofs_of_the_log_of_seals():
    log = KNOWN.seals
    head = head_at(log, 6)
    assert (head.size, str(head.last_day), size_on(log, date(2026, 10, 6)), size_on(log, date(2026, 10, 4))) == (
        6, "2026-10-07", 4, 0,
    )  # fmt: skip
    for number, one in enumerate(log):
        path = [bytes.fromhex(node) for node in seal_path(log, number)]
        assert root_from_inclusion(bytes.fromhex(one["seal_hash"]), number, 6, path).hex() == head.root
    for old in range(1, 7):
        proof = consistency(log, old, 6)
        assert is_consistent(proof)
        assert proof.old == head_at(log, old)
    with pytest.raises(ValueError, match="no head of 7"):
        head_at(log, 7)
    with pytest.raises(ValueError, match="not the beginning"):
        consistency(log, 5, 4)
