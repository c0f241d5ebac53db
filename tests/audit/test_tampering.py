"""Each single random change to a sealed log is found and located; untouched copies have no finding."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter

import pytest
from sealed_world import add_events
from synthetic_log import CHAIN, PLATFORM, event, small_log
from tampering import KINDS, random_change
from typer.testing import CliRunner

from audit import cli_seal, verifier
from audit.anchors import anchor
from audit.heads import is_consistent
from audit.merkle import leaf_hash
from audit.prove import NotProvable, growth, growth_document, prove
from audit.reader import Rows, Warehouse
from audit.seal import seal_window
from audit.tables import ensure_tables
from audit.verify import verify
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.storage import Storage
from warehouse.window import Window

RUNS = 1_000 if os.environ.get("CAMPAIGN") else 25
TABLES = ("events", "leaves", "tree_nodes", "seals", "sealed_days", "anchors")


@pytest.fixture(scope="module")
def world(embedded):
    """A log that was sealed on three mornings, with late records, a day of 300 records, and two anchors."""
    config = load_config().model_copy(update={"project": "audit-tampering"})
    config = config.model_copy(
        update={"audit": config.audit.model_copy(update={"anchors": "gs://anchors-of-tampering"})}
    )
    client = bigquery_client(config)
    ensure_tables(client)
    known = small_log().events
    many = [
        event(PLATFORM, f"m{n}", f"2026-10-05T{n // 60:02}:{n % 60:02}:30", amount=n, subject="0f" * 16)
        for n in range(300)
    ]
    late = [row for row in known if row["source_key"].startswith("late")]
    kept = [row for row in known if row not in late]
    add_events(client, *many, *(row for row in kept if row["event_day"].day == 5))
    seal_window(config, client, Window.parse("2026-10-05", "2026-10-06"), "r1")
    anchor(config, client, "r1")
    add_events(client, *late, *(row for row in kept if row["event_day"].day > 5))
    seal_window(config, client, Window.parse("2026-10-06", "2026-10-08"), "r2")
    anchor(config, client, "r2")
    return config, client


@pytest.fixture
def rows(world) -> Rows:
    """The warehouse's rows as they are."""
    return read_rows(*world)


def read_rows(config, client) -> Rows:
    tables = [[dict(row) for row in client.query(f"select * from audit.{name}").result()] for name in TABLES]
    events, leaves, nodes, seals, sealed_days, anchors = tables
    return Rows(events, leaves, nodes, seals, sealed_days, anchors, dict(Warehouse(config, client).objects()))


def test_an_untouched_log_has_no_finding(world, rows):
    for source in (rows, Warehouse(*world)):
        verdict = verify(source)
        assert verdict.findings == []
        counted = (verdict.records, verdict.seals, verdict.anchors, verdict.unanchored, verdict.waiting)
        assert counted == (323, 8, 2, 0, 1)  # the record of the last seals waits for the next day's
    trees = {(row["stream"], str(row["seal_day"])): row["records"] for row in rows.seal_rows}
    nodes = Counter((row["stream"], str(row["seal_day"]), row["level"]) for row in rows.node_rows)
    assert trees[PLATFORM, "2026-10-05"] == 307
    assert nodes == {
        (PLATFORM, "2026-10-05", 8): 2,
        (PLATFORM, "2026-10-05", 16): 1,
        **{(stream, day, 8): 1 for (stream, day), records in trees.items() if 1 < records < 256},
    }


def test_each_random_change_is_found_and_located(rows):
    rng, found = random.Random(20261005), Counter()
    for number in range(RUNS):
        change = random_change(rng, rows)
        findings = verify(rows).findings
        assert any(change.located(finding) for finding in findings), (number, change.what, [*map(str, findings)])
        found[findings[0].kind] += 1
        change.undo()
    assert verify(rows).findings == []
    assert len(found) > 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_each_kind_of_change_is_found(rows, kind):
    rng = random.Random(kind.__name__)
    for _ in range(3):
        change = kind(rng, rows)
        findings = verify(rows).findings
        assert any(change.located(finding) for finding in findings), (change.what, [*map(str, findings)])
        change.undo()


DAY = "event_day = date '2026-10-06'"
FIRST_CHAIN_DAY = f"seal_day = date '2026-10-05' and stream = '{CHAIN}'"
ADD = "insert into audit.events select {} from audit.events where source_key = 'c1'"
SWAP = "update audit.leaves set position = 5 - position where seal_day = date '2026-10-06' and position in (2, 3)"
IN_THE_TABLES = {
    "a bit of a record": (
        f"update audit.events set action = 'depnsit' where {DAY} and source_key = 'b3'",
        ("record_changed", PLATFORM, 6, 5),
    ),
    "a deleted record": (
        f"delete from audit.events where {DAY} and source_key = 'b0'",
        ("record_missing", PLATFORM, 6, 2),
    ),
    "a deleted late record": (
        "delete from audit.events where source_key = 'late|1'",
        ("record_missing", PLATFORM, 6, 0),
    ),
    "a record of another day": (
        f"update audit.events set event_day = date '2026-10-04' where {DAY} and source_key = 'b1'",
        ("record_redated", PLATFORM, 6, 3),
    ),
    "an added record": (ADD.format("* replace ('ff' as record_id)"), ("record_changed", PLATFORM, 7, None)),
    "a record that stands twice": (ADD.format("*"), ("record_repeated", PLATFORM, 7, 1)),
    "swapped leaves": (f"{SWAP} and stream = '{PLATFORM}'", ("leaf_order", PLATFORM, 6, 3)),
    "a removed leaf": (
        f"delete from audit.leaves where {FIRST_CHAIN_DAY} and position = 1",
        ("leaf_missing", CHAIN, 5, 1),
    ),
    "a changed node": (
        "update audit.tree_nodes set node_hash = to_hex(sha256(node_hash)) where level = 8 and position = 1",
        ("node_changed", PLATFORM, 5, 1),
    ),
    "a changed seal": (
        f"update audit.seals set records = 4 where {FIRST_CHAIN_DAY}",
        ("seal_changed", CHAIN, 5, None),
    ),
}


@pytest.mark.parametrize("name", IN_THE_TABLES)
def test_a_change_in_the_warehouse_is_found_there(world, name):
    config, client = world
    statement, (kind, stream, day, position) = IN_THE_TABLES[name]
    table = next(one for one in TABLES if f"audit.{one}" in statement)
    client.query(f"create or replace table scratch.before as select * from audit.{table}").result()
    client.query(statement).result()
    findings = verify(Warehouse(config, client)).findings
    client.query(
        f"delete from audit.{table} where true; insert into audit.{table} select * from scratch.before"
    ).result()
    places = {(f.kind, f.stream, f.day and f.day.day, f.position) for f in findings}
    assert (kind, stream, day, position) in places, [*map(str, findings)]


def test_only_the_asked_stream_and_day_are_read(world, rows):
    config, client = world
    for source in (rows, Warehouse(config, client)):
        assert verify(source, stream=CHAIN).records == 4
        day = next(row["seal_day"] for row in rows.seal_rows if row["seal_day"].day == 6)
        verdict = verify(source, PLATFORM, day)
        assert (verdict.records, verdict.days, verdict.findings) == (9, 1, [])


def test_proofs_of_records_hold_by_the_standalone_verifier(world, rows):
    _, client = world
    platform = [row for row in rows.leaf_rows if row["stream"] == PLATFORM]
    for leaf in (platform[0], *(row for row in platform if row["position"] in (255, 256, 306)), platform[-1]):
        proof = json.loads(json.dumps(prove(client, leaf["record_id"])))
        found = verifier.Findings()
        head = verifier.check_proof(proof, "proof", found)
        assert found.problems == []
        assert head["size"] == 8
        assert leaf_hash(bytes.fromhex(proof["canonical"])).hex() == leaf["record_id"]
        assert (proof["index"], proof["seal"]["seal_day"]) == (leaf["position"], str(leaf["seal_day"]))
    early = next(row for row in platform if row["seal_day"].day == 5)
    assert prove(client, early["record_id"], size=2, day=early["event_day"])["head"]["size"] == "2"
    for record, size in (("ab" * 32, None), (platform[-1]["record_id"], 2)):
        with pytest.raises(NotProvable):
            prove(client, record, size)


def test_growth_is_proved_by_size_and_by_day(world):
    _, client = world
    for old, new in (("2", None), ("3", "7"), ("2026-10-05", "2026-10-06")):
        proof = growth(client, old, new)
        found = verifier.Findings()
        verifier.check_proof(growth_document(proof), "growth", found)
        assert is_consistent(proof)
        assert found.problems == []
    for old, new in (("0", "3"), ("9", None), ("5", "4"), ("2026-10-04", None), ("x", None)):
        with pytest.raises(NotProvable):
            growth(client, old, new)


def test_an_anchor_that_was_rewritten_in_the_bucket_is_found(world):
    config, client = world
    storage, source = Storage(config), Warehouse(config, client)
    address, body = next(iter(sorted(source.objects().items())))
    storage.write(address, body.replace(b'"late_records":0', b'"late_records":1', 1))
    findings = verify(source).findings
    storage.write(address, body)
    assert [(f.kind, f.address, f.seal_no) for f in findings] == [("anchor_changed", address, 0)]
    assert verify(source).findings == []


def test_the_commands_seal_verify_and_prove(world, monkeypatch, tmp_path):
    config, _ = world
    monkeypatch.setattr("warehouse.config.load_config", lambda *_: config)
    run = CliRunner()
    verified = run.invoke(cli_seal.app, ["verify", "--stream", CHAIN])
    assert (verified.exit_code, verified.stdout.splitlines()[0]) == (
        0, "4 records in 4 days, 8 seals, 2 anchors: all as sealed",
    )  # fmt: skip
    assert run.invoke(cli_seal.app, ["seal", "--end", "2026-10-08"]).stdout == "0 seals over 0 records\n"
    proved = run.invoke(cli_seal.app, ["consistency", "2026-10-05", "2026-10-07"])
    assert (proved.exit_code, json.loads(proved.stdout)["old"]["size"]) == (0, "2")
    record = next(iter(world[1].query("select record_id from audit.leaves limit 1").result()))["record_id"]
    (tmp_path / "proof.json").write_text(run.invoke(cli_seal.app, ["prove", record]).stdout, encoding="utf-8")
    command = [sys.executable, "-I", verifier.__file__, "--proof", str(tmp_path / "proof.json")]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    refused = run.invoke(cli_seal.app, ["prove", "00" * 32])
    assert (refused.exit_code, refused.stderr) == (1, f"error: no record {'00' * 32} in audit.events\n")
