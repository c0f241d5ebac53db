"""What the simulated platform delivers into its buckets: audit log, Logpush objects and Firebase exports."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import payments_of
from sandbox.audit_log import AuditRecord, audit_records
from sandbox.bucket import EXPORTS, LOGPUSH, Buckets
from sandbox.chain import build_chain
from sandbox.delivery import MAX_PAIRS, FaultError, deliver, pair
from sandbox.model import World
from sandbox.traffic import api_calls
from sandbox.worker_life import live
from sandbox.world import build_world

NAME = re.compile(r"^(\w+)/(\d{8})/(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_([0-9a-f]{8})\.log\.gz$")


class Platform:
    """A world and what is needed to deliver it."""

    def __init__(self) -> None:
        self.world: World = build_world()
        chain = build_chain(self.world)
        self.signatures: Sequence[str] = [chain.signature_of(tx.index) for tx in self.world.transactions]
        self.payments = payments_of(self.world)
        self.records: list[AuditRecord] = audit_records(self.world.actions, self.payments.actions, self.signatures)
        self.life = live(self.world, api_calls(self.world, self.records), self.signatures)

    def deliver(self, home: Path, drop: bool = False, **faults: bool) -> int:
        return deliver(Buckets(home), self.world, self.records, self.signatures, drop, **faults, calls=self.life.calls)


@pytest.fixture(scope="module")
def platform() -> Platform:
    return Platform()


@pytest.fixture(scope="module")
def home(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivered")
    assert platform.deliver(folder) > 500
    return folder


def objects(home: Path, bucket: str, prefix: str) -> dict[str, bytes]:
    root = home / "gcs" / bucket
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in (root / prefix).rglob("*") if p.is_file()}


def rows(body: bytes) -> list[dict[str, Any]]:
    text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return [json.loads(line) for line in text.splitlines()]


def logs(home: Path, dataset: str) -> dict[str, list[dict[str, Any]]]:
    return {key: rows(body) for key, body in objects(home, LOGPUSH, dataset).items() if key.endswith(".log.gz")}


def audit_events(home: Path) -> list[dict[str, Any]]:
    """Every audit line in any trace, found as a reader would: a message that is JSON with type audit."""
    found = []
    for traces in logs(home, "workers_trace_events").values():
        for trace in traces:
            for entry in trace["Logs"]:
                for message in entry["Message"]:
                    if isinstance(message, str) and message.startswith('{"type":"audit"'):
                        found.append(json.loads(message))
    return found


def all_bytes(home: Path) -> dict[str, bytes]:
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in (home / "gcs").rglob("*") if p.is_file()}


def test_audit_log_is_complete_and_chained(home: Path, platform: Platform) -> None:
    events = sorted(audit_events(home), key=lambda event: (event["stream"], event["seq"]))
    expected = Counter(action.stream for action in platform.world.actions)
    expected["payments"] = len(platform.payments.actions)
    assert Counter(event["stream"] for event in events) == expected
    assert set(expected) == {"escrow", "matches", "accounts", "payments"}
    last = dict.fromkeys(expected, (0, "0" * 64, ""))
    for event in events:
        seq, prev_hash, at = last[event["stream"]]
        assert (event["seq"], event["prev_hash"]) == (seq + 1, prev_hash)
        assert event["at"] >= at
        bare = json.dumps(
            {name: value for name, value in event.items() if name != "hash"},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        assert event["hash"] == hashlib.sha256(bare.encode("utf-8")).hexdigest()
        last[event["stream"]] = (event["seq"], event["hash"], event["at"])


def test_each_money_event_has_one_audit_record(home: Path, platform: Platform) -> None:
    told = Counter(
        (e["action"], e["amount"], e["mint"], e["match_id"], e["signature"])
        for e in audit_events(home)
        if e["stream"] == "escrow"
    )
    booked = Counter(
        (e.kind, str(e.amount), e.mint, e.match_id, platform.signatures[e.tx_index]) for e in platform.world.ledger
    )
    assert told == booked
    stripe_ids = Counter((e["action"], e["stripe_id"]) for e in audit_events(home) if e["stream"] == "payments")
    assert stripe_ids == Counter((action.action, action.stripe_id) for action in platform.payments.actions)


@pytest.mark.parametrize("dataset", ["http_requests", "workers_trace_events"])
def test_logpush_names_overlap_and_promise_no_times(home: Path, platform: Platform, dataset: str) -> None:
    def at(text: str) -> datetime:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    names = [NAME.match(key) for key in sorted(logs(home, dataset))]
    assert len(names) == 4 * 48
    assert all(names)
    spans = [(at(name[3]), at(name[4])) for name in names if name]
    assert spans[0][0] == platform.world.start
    assert max(end for _, end in spans) == platform.world.end
    overlaps = [(before[1] - after[0]).total_seconds() for before, after in itertools.pairwise(spans)]
    assert min(overlaps) == 0
    assert max(overlaps) == 12
    assert all(name[2] == name[3][:8] for name in names if name)

    early = 0
    for key, lines in logs(home, dataset).items():
        opens, closes = at(NAME.match(key)[3]), at(NAME.match(key)[4])
        for line in lines:
            seen = _time(line.get("EdgeStartTimestamp") or line["EventTimestampMs"] * 1_000_000)
            assert platform.world.start <= seen < closes
            early += seen < opens - timedelta(seconds=1)
    assert early > 20


def _time(value: int | str) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value // 1_000_000_000, UTC) + timedelta(microseconds=value % 10**9 // 1000)


def test_http_requests_change_their_time_format_on_the_third_day(home: Path, platform: Platform) -> None:
    lines = [line for lines in logs(home, "http_requests").values() for line in lines]
    numbers = [line["EdgeStartTimestamp"] for line in lines if isinstance(line["EdgeStartTimestamp"], int)]
    texts = [line["EdgeStartTimestamp"] for line in lines if isinstance(line["EdgeStartTimestamp"], str)]
    switch = platform.world.start + timedelta(days=2)
    assert min(numbers) > 2**53
    assert _time(max(numbers)) < switch <= _time(min(texts))
    # As many page loads as planned, one request per audited action or transaction, webhooks that
    # failed at first, and the Worker's own subrequests.
    subrequests = [line for line in lines if line["ParentRayID"] != "00"]
    groups = {("tx", r.tx_index) if r.tx_index is not None else (r.stream, r.seq) for r in platform.records}
    failed = sum(line.kind == "webhook" and line.fields["outcome"] == "failed" for line in platform.life.lines)
    assert failed > 3
    assert len(lines) - len(subrequests) == 4 * 1_450 + len(groups) + failed
    assert 0 < len(subrequests) == sum(line["WorkerSubrequest"] for line in lines)
    assert {line["ParentRayID"] for line in subrequests} <= {line["RayID"] for line in lines}


def test_traces_hold_more_than_the_audit_log(home: Path) -> None:
    traces = [trace for traces in logs(home, "workers_trace_events").values() for trace in traces]
    assert Counter(trace["EventType"] for trace in traces)["scheduled"] == 4 * 24
    failed = [trace for trace in traces if trace["Outcome"] == "exception"]
    assert failed
    assert all(trace["Exceptions"][0]["Name"] == "Error" for trace in failed)
    arguments = [message for t in traces for entry in t["Logs"] for message in entry["Message"]]
    assert {type(message) for message in arguments} == {str, dict, int}


def test_every_structured_line_is_in_one_trace_and_some_tell_of_the_day_before(home: Path, platform: Platform) -> None:
    traces = [trace for traces in logs(home, "workers_trace_events").values() for trace in traces]
    told, late = Counter(), 0
    for trace in traces:
        for entry in trace["Logs"]:
            for message in entry["Message"]:
                text = isinstance(message, str) and message.startswith('{"type":"') and '"audit"' not in message
                line = json.loads(message) if text else message
                if isinstance(line, dict) and "type" in line and "at" in line:
                    told[json.dumps(line, sort_keys=True)] += 1
                    late += line["at"][:10] < _time(trace["EventTimestampMs"] * 1_000_000).date().isoformat()
    assert told == Counter(json.dumps(line.event(), sort_keys=True) for line in platform.life.lines)
    assert len({line.kind for line in platform.life.lines}) == 7
    assert late > 0


def test_marker_files_are_no_logs(home: Path) -> None:
    markers = {k: b for k, b in objects(home, LOGPUSH, "").items() if not k.endswith(".log.gz")}
    assert sorted(markers) == [
        "http_requests/ownership-challenge.txt",
        "http_requests/test.txt.gz",
        "workers_trace_events/ownership-challenge.txt",
        "workers_trace_events/test.txt.gz",
    ]
    assert markers["http_requests/test.txt.gz"] == b""


def test_changelog_replays_to_the_worlds_final_state(home: Path, platform: Platform) -> None:
    exported = objects(home, EXPORTS, "firestore_changelog")
    assert all(re.fullmatch(r"firestore_changelog/2026/10/0[5-8]/\d\d\.ndjson\.gz", key) for key in exported)
    lines = [line for body in exported.values() for line in rows(body)]
    changes = [line.get("json", line) for line in lines]
    assert 0 < sum("json" in line for line in lines) < len(lines)
    operations = Counter(change["operation"] for change in changes)
    assert (operations["IMPORT"], operations["DELETE"]) == (1, 1)

    imported = [change for change in changes if change["operation"] == "IMPORT"]
    assert [(c["timestamp"], c["event_id"]) for c in imported] == [("1970-01-01T00:00:00Z", "")]
    by_event = {change["event_id"]: change for change in changes if change["event_id"]}
    assert len(changes) - 1 - len(by_event) > 10  # repeated rows
    assert all(by_event[c["event_id"]] == c for c in changes if c["event_id"])

    times = Counter(c["timestamp"] for c in by_event.values())
    assert max(times.values()) > 1  # several documents in one commit
    own = Counter((c["document_name"], c["timestamp"]) for c in by_event.values())
    assert set(own.values()) == {1}  # but never one document twice

    final: dict[str, Any] = {}
    for change in sorted(by_event.values(), key=lambda c: c["timestamp"]):
        name = change["document_name"]
        assert change["old_data"] == final.get(name)
        assert change["document_id"] == name.rsplit("/", 1)[1]
        final[name] = change["data"]
    documents = {name.split("/documents/")[1]: json.loads(data) for name, data in final.items() if data is not None}
    assert Counter(name.split("/")[0] for name in documents) == {
        "users": len(platform.world.users),
        "matches": len(platform.world.matches),
        "ledger": len(platform.world.ledger),
    }
    for match in platform.world.matches:
        document = documents[f"matches/{match.match_id}"]
        assert (
            document["status"],
            document["kind"],
            document["mint"],
            document["entryAmount"],
            document["winner"],
        ) == (
            match.status,
            match.kind,
            match.mint,
            str(match.entry_amount),
            match.winner,
        )
        assert (document["endedAt"] is None) == (match.ended_at is None)
    for entry in platform.world.ledger:
        document = documents[f"ledger/{entry.entry_id}"]
        assert (document["amount"], document["signature"], document["slot"], document["kind"]) == (
            str(entry.amount),
            platform.signatures[entry.tx_index],
            entry.slot,
            entry.kind,
        )
    for user in platform.world.users:
        document = documents[f"users/{user.uid}"]
        assert document["kycTier"] == user.kyc_tier_at(platform.world.end)
        assert document["frozen"] == user.frozen_at(platform.world.end)
        assert document["createdAt"]["_seconds"] == int(user.created_at.timestamp())


def test_every_change_is_exported_before_the_end(home: Path, platform: Platform) -> None:
    last = platform.world.end.strftime("%Y/%m/%d/%H")
    assert max(objects(home, EXPORTS, "firestore_changelog")) < f"firestore_changelog/{last}"
    times = [
        datetime.fromisoformat(c.get("json", c)["timestamp"])
        for b in objects(home, EXPORTS, "firestore_changelog").values()
        for c in rows(b)
    ]
    assert max(times) < platform.world.end


def test_auth_export_has_what_must_not_be_loaded(home: Path, platform: Platform) -> None:
    exports = objects(home, EXPORTS, "auth_export")
    assert sorted(exports) == [f"auth_export/2026100{n}.json" for n in (5, 6, 7, 8)]
    users = json.loads(exports["auth_export/20261008.json"])["users"]
    known = [u for u in platform.world.users if u.created_at < datetime(2026, 10, 8, 3, tzinfo=UTC)]
    assert [user["localId"] for user in users] == [user.uid for user in known]
    assert all(user["passwordHash"] and user["salt"] and "@" in user["email"] for user in users)
    assert all(user["createdAt"].isdigit() for user in users)


def test_cloud_logging_files(home: Path) -> None:
    files = objects(home, EXPORTS, "cloud_logging")
    assert Counter(key.split("/2026/")[0] for key in files) == {
        "cloud_logging/firestore-writer": 4 * 24 + 1,
        "cloud_logging/cloudaudit.googleapis.com/data_access": 4 * 4,
    }
    addenda = [key for key in files if key.endswith("_A0.json")]
    assert addenda == ["cloud_logging/firestore-writer/2026/10/06/06:00:00_06:59:59_A0.json"]
    entries = [entry for body in files.values() for entry in rows(body)]
    keys = Counter((entry["logName"], entry["timestamp"], entry["insertId"]) for entry in entries)
    assert sorted(Counter(keys.values())) == [1, 2]
    assert list(keys.values()).count(2) == 1
    assert 0 < sum(entry["severity"] == "ERROR" for entry in entries) < 20


def test_delivering_again_changes_nothing(home: Path, platform: Platform) -> None:
    before = all_bytes(home)
    assert platform.deliver(home) == 0
    assert all_bytes(home) == before


def test_an_interrupted_delivery_is_completed(home: Path, platform: Platform, tmp_path: Path) -> None:
    platform.deliver(tmp_path)
    for number, path in enumerate(sorted((tmp_path / "gcs").rglob("*.gz"))):
        if number % 3 == 0:
            path.unlink()
    (tmp_path / "sandbox" / "tmp" / ".cut.part").write_bytes(b"\x1f\x8b half an object")
    platform.deliver(tmp_path)
    assert all_bytes(tmp_path) == all_bytes(home)


def test_a_dropped_audit_record_comes_late_and_nothing_is_rewritten(
    home: Path, platform: Platform, tmp_path: Path
) -> None:
    platform.deliver(tmp_path, drop=True)
    everything = {(e["stream"], e["seq"]): e for e in audit_events(home)}
    lacking = {(e["stream"], e["seq"]) for e in audit_events(tmp_path)}
    [(stream, seq)] = set(everything) - lacking
    lost = everything[stream, seq]
    assert (stream, lost["action"]) == ("escrow", "deposit")
    assert "2026-10-06T12:00:00.000Z" <= lost["at"] < "2026-10-06T18:00:00.000Z"
    before = all_bytes(tmp_path)
    assert platform.deliver(tmp_path, drop=True) == 0  # the fault again: still lost, nothing new

    assert platform.deliver(tmp_path) == 1
    after = all_bytes(tmp_path)
    [late] = set(after) - set(before)
    assert {key: after[key] for key in before} == before
    [twin] = [key for key in before if key.rsplit("_", 1)[0] == late.rsplit("_", 1)[0]]
    assert twin != late
    assert NAME.match(late.split(f"{LOGPUSH}/")[1])
    assert len(rows(after[late])) == 1
    assert {(e["stream"], e["seq"]) for e in audit_events(tmp_path)} == set(everything)
    assert platform.deliver(tmp_path) == 0


def test_a_dropped_object_comes_late_under_its_own_name(home: Path, platform: Platform, tmp_path: Path) -> None:
    platform.deliver(tmp_path, drop_logpush_object=True)
    [lost] = set(all_bytes(home)) - set(all_bytes(tmp_path))
    assert lost.startswith(f"gcs/{LOGPUSH}/http_requests/20261006/20261006T12")
    assert platform.deliver(tmp_path, drop_logpush_object=True) == 0
    assert platform.deliver(tmp_path) == 1
    assert all_bytes(tmp_path) == all_bytes(home)
    with pytest.raises(FaultError, match="make clean"):
        platform.deliver(tmp_path, drop_logpush_object=True)


def test_where_everything_was_delivered_the_fault_loses_a_new_record(
    home: Path, platform: Platform, tmp_path: Path
) -> None:
    platform.deliver(tmp_path)
    last = max(e["seq"] for e in audit_events(home) if e["stream"] == "accounts")
    for round_number in (1, 2):
        before = all_bytes(tmp_path)
        assert [platform.deliver(tmp_path, drop=True), platform.deliver(tmp_path, drop=True)] == [1, 0]
        numbers = {e["seq"] for e in audit_events(tmp_path) if e["stream"] == "accounts"}
        assert set(range(1, last + 3)) - numbers == {last + 1}
        assert max(numbers) == last + 2
        assert [platform.deliver(tmp_path), platform.deliver(tmp_path)] == [1, 0]
        stream = sorted((e for e in audit_events(tmp_path) if e["stream"] == "accounts"), key=lambda e: e["seq"])
        assert [e["seq"] for e in stream] == list(range(1, last + 3))
        for earlier, later in pairwise(stream):
            assert later["prev_hash"] == earlier["hash"]
            assert later["at"] >= earlier["at"]
        after = all_bytes(tmp_path)
        assert {key: after[key] for key in before} == before
        assert len(after) == len(before) + 2
        assert all(NAME.match(key.split(f"{LOGPUSH}/")[1]) for key in set(after) - set(before))
        last += 2
        assert round_number * 2 == len(after) - len(all_bytes(home))


def test_the_fault_runs_out_in_one_home(platform: Platform, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    for number in range(1, MAX_PAIRS + 1):
        for item in pair(platform.world, platform.records, number):
            Buckets(tmp_path).put(LOGPUSH, item.key, item.body)
    assert platform.deliver(tmp_path) == 0
    assert max(e["at"] for e in audit_events(tmp_path)) < "2026-10-09"
    with pytest.raises(FaultError, match="injected 20 times"):
        platform.deliver(tmp_path, drop=True)
