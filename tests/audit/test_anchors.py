"""Heads in the anchors' bucket: written once, consistent with the last one, and what disagrees is named."""

from __future__ import annotations

import json
from datetime import date

import pytest
import synthetic_log as synthetic

from audit import anchors
from audit.anchor_step import anchor_seals
from audit.anchors import Anchor, AnchorError, Head, anchor, anchor_problems, read_anchors, read_seals
from ingestion.tables import ensure_tables
from warehouse.storage import Storage
from warehouse.window import Window

DAYS = synthetic.DAYS


@pytest.fixture
def config(audit_config, tmp_path):
    """A bucket of the test's own."""
    return audit_config.model_copy(
        update={"embedded": audit_config.embedded.model_copy(update={"home": tmp_path / "home"})}
    )


@pytest.fixture
def bucket(config):
    """Size -> bytes of what is in the bucket."""
    heads = config.embedded.home / "gcs" / "escrow-anchors" / "heads"
    return lambda: {path.name: path.read_bytes() for path in sorted(heads.glob("*"))}


def sealed(client, days=DAYS):
    log = synthetic.small_log(days)
    synthetic.put(client, log)
    return log


def restated(client, change):
    """Rewrite the log from a changed record on, with all hashes right again."""
    log = synthetic.small_log()
    change(log)
    last = {}
    for number, seal in enumerate(log.seals):
        seal["seal_no"], seal["prev_seal"] = number, last.get(seal["stream"], "0" * 64)
        last[seal["stream"]] = seal["seal_hash"] = anchors.seal_hash(seal)
    synthetic.put(client, log)
    return log


def test_the_head_over_all_seals_is_one_object_and_one_row(config, audit_client, bucket):
    log = sealed(audit_client)
    done = anchor(config, audit_client, "run-1")
    address = "gs://escrow-anchors/heads/000000000006.json"
    assert (done.head, done.address, done.is_new) == (log.head, address, True)
    assert log.head == Head(6, log.head.root, date(2026, 10, 7))
    assert list(bucket()) == ["000000000006.json"]
    document = {
        "format": "escrow-anchor/1",
        "head": {"last_day": "2026-10-07", "root": log.head.root, "size": 6},
        "previous_size": 0,
        "seals": log.seals,
    }
    assert bucket()["000000000006.json"] == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    rows = list(audit_client.query("select * from audit.anchors").result())
    assert [(row["size"], row["root"], row["kind"], row["address"], row["run_id"]) for row in rows] == [
        (6, log.head.root, "bucket", address, "run-1")
    ]


def test_a_later_anchor_holds_the_seals_since_the_last_one(config, audit_client, bucket):
    sealed(audit_client, DAYS[:1])
    anchor(config, audit_client, "run-1")
    log = sealed(audit_client)
    anchor(config, audit_client, "run-2")
    later = json.loads(bucket()["000000000006.json"])
    assert (later["previous_size"], later["seals"]) == (2, log.seals[2:])
    assert [known.head.size for known in read_anchors(audit_client)] == [2, 6]
    assert anchor_problems(config, audit_client, read_seals(audit_client)) == []


def test_nothing_new_writes_nothing(config, audit_client, bucket):
    log = sealed(audit_client)
    anchor(config, audit_client, "run-1")
    path = config.embedded.home / "gcs" / "escrow-anchors" / "heads" / "000000000006.json"
    written = path.stat().st_mtime_ns, path.stat().st_ino
    assert anchor(config, audit_client, "run-2") == anchors.Anchored(
        log.head, "gs://escrow-anchors/heads/000000000006.json", is_new=False
    )
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    assert len(read_anchors(audit_client)) == 1


def test_without_a_seal_there_is_no_head(config, audit_client, bucket):
    with pytest.raises(AnchorError, match="nothing is sealed yet"):
        anchor(config, audit_client, "run")
    assert bucket() == {}


def test_a_run_killed_between_the_object_and_its_row_is_made_good_also_after_more_seals(
    config, audit_client, bucket, monkeypatch
):
    def power_cut(*_):
        raise ConnectionAbortedError("power cut")

    sealed(audit_client, DAYS[:2])
    with monkeypatch.context() as patch:
        patch.setattr(anchors, "add_anchor", power_cut)
        with pytest.raises(ConnectionAbortedError):
            anchor(config, audit_client, "run-1")
    assert (list(bucket()), read_anchors(audit_client)) == (["000000000004.json"], [])
    sealed(audit_client)
    anchor(config, audit_client, "run-2")
    assert [(known.head.size, known.address[-17:]) for known in read_anchors(audit_client)] == [
        (4, "000000000004.json"),
        (6, "000000000006.json"),
    ]
    assert json.loads(bucket()["000000000006.json"])["previous_size"] == 4


def test_an_object_with_other_bytes_is_named_and_never_overwritten(config, audit_client, bucket, monkeypatch):
    sealed(audit_client)
    address = "gs://escrow-anchors/heads/000000000006.json"
    Storage(config).write(address, b"{}")
    with pytest.raises(AnchorError, match=f"{address} can't be read as an anchor"):
        anchor(config, audit_client, "run")
    monkeypatch.setattr(anchors, "anchor_objects", lambda config: {})  # it comes while the run is under way
    with pytest.raises(AnchorError, match=f"{address} is there with other bytes; it is not overwritten"):
        anchor(config, audit_client, "run")
    assert bucket() == {"000000000006.json": b"{}"}
    assert read_anchors(audit_client) == []


def test_a_rewritten_log_is_refused_and_the_disagreeing_anchor_and_seal_are_named(config, audit_client, bucket):
    sealed(audit_client, DAYS[:1])
    anchor(config, audit_client, "run-1")
    sealed(audit_client, DAYS[:2])
    anchor(config, audit_client, "run-2")
    before = bucket()
    restated(audit_client, lambda log: log.seals[2].update(records=1, root="ab" * 32))
    with pytest.raises(AnchorError, match=r"heads/000000000004\.json: the log of 6 seals .* seal 2 differs"):
        anchor(config, audit_client, "run-3")
    restated(audit_client, lambda log: log.seals[1].update(root="ab" * 32))  # and with it seal 3, which follows it
    with pytest.raises(AnchorError, match=r"heads/000000000004\.json: the log of 6 seals .* seal 3 differs"):
        anchor(config, audit_client, "run-3")
    found = anchor_problems(config, audit_client, read_seals(audit_client))
    assert [line.split(": ")[0] for line in found if "was rewritten" in line] == [
        "gs://escrow-anchors/heads/000000000002.json",
        "gs://escrow-anchors/heads/000000000004.json",
    ]
    assert "seal 1 (stream platform/main, day 2026-10-05) is another than in the log" in found[0]
    assert bucket() == before


def test_a_log_that_lost_seals_is_refused(config, audit_client):
    sealed(audit_client)
    anchor(config, audit_client, "run-1")
    sealed(audit_client, DAYS[:2])
    with pytest.raises(AnchorError, match=r"000000000006\.json covers 6 seals, the log has 4: seals were removed"):
        anchor(config, audit_client, "run-2")


def test_an_anchor_that_was_rewritten_in_row_or_bucket_is_named(config, audit_client):
    sealed(audit_client)
    anchor(config, audit_client, "run-1")
    audit_client.query("update audit.anchors set root = repeat('ab', 32) where size = 6").result()
    with pytest.raises(AnchorError, match=r"audit\.anchors: the head of 6 seals isn't the one anchored at gs://"):
        anchor(config, audit_client, "run-2")
    [found] = anchor_problems(config, audit_client, read_seals(audit_client))
    assert found == (
        "audit.anchors (bucket gs://escrow-anchors/heads/000000000006.json): "
        "the root over seals 0 to 5 is another than the one stated"
    )


def test_a_removed_object_is_named(config, audit_client):
    sealed(audit_client)
    address = anchor(config, audit_client, "run-1").address
    Storage(config).delete(address)
    with pytest.raises(AnchorError, match=rf"{address} is in audit\.anchors and not in the bucket"):
        anchor(config, audit_client, "run-2")
    assert anchor_problems(config, audit_client, read_seals(audit_client)) == [
        f"audit.anchors (bucket {address}): no such object in the bucket"
    ]


def test_seals_that_are_not_in_order_or_not_their_hash_are_not_anchored(config, audit_client):
    sealed(audit_client)
    audit_client.query("update audit.seals set records = 8 where seal_no = 3").result()
    with pytest.raises(AnchorError, match=r"audit\.seals: seal 3: seal_hash isn't the hash of its fields"):
        anchor(config, audit_client, "run")
    audit_client.query("delete from audit.seals where seal_no = 2").result()
    with pytest.raises(AnchorError, match=r"audit\.seals has seal 3 where 2 belongs"):
        anchor(config, audit_client, "run")


def test_another_object_among_the_anchors_is_named(config, audit_client):
    sealed(audit_client)
    Storage(config).write("gs://escrow-anchors/heads/6.json", b"{}")
    with pytest.raises(AnchorError, match=r"heads/6\.json is no anchor's name"):
        anchor(config, audit_client, "run")


def test_the_nightly_step_anchors_and_leaves_an_outcome_row(config, audit_client):
    ensure_tables(audit_client)
    window = Window.parse("2026-10-07", "2026-10-08")
    assert anchor_seals(config, audit_client, window, "run-0") == 0  # nothing is sealed yet
    sealed(audit_client)
    assert anchor_seals(config, audit_client, window, "run-1") == 6
    audit_client.query("update audit.seals set records = 8 where seal_no = 3").result()
    with pytest.raises(AnchorError):
        anchor_seals(config, audit_client, window, "run-2")
    rows = audit_client.query("select run_id, step, outcome, detail from ops.attempts order by run_id").result()
    assert [tuple(row.values()) for row in rows] == [
        ("run-0", "audit_anchor", "ok", "0 seals"),
        ("run-1", "audit_anchor", "ok", "6 seals"),
        ("run-2", "audit_anchor", "failed", "AnchorError: audit.seals: seal 3: seal_hash isn't the hash of its fields"),
    ]


def test_an_address_has_one_row(audit_client):
    one = Anchor(Head(1, "00" * 32, date(2026, 10, 5)), "memo", "5sig")
    for _ in range(2):
        anchors.add_anchor(audit_client, one, "run")
    assert read_anchors(audit_client) == [one]
