"""Everything the simulated platform exports, through the row producers, against its own books."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sandbox.app import prepare_simulated
from sandbox.world import build_world
from tests.sources.conftest import Rows

PREFIXES = {
    "platform-exports/firestore_changelog": ("firebase", "firestore_changelog"),
    "platform-exports/auth_export": ("firebase", "auth_export"),
    "platform-exports/cloud_logging": ("firebase", "cloud_logging"),
    "platform-logpush/http_requests": ("cloudflare", "http_requests"),
    "platform-logpush/workers_trace_events": ("cloudflare", "workers_trace_events"),
}


@pytest.fixture(scope="module")
def world():
    return build_world()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("platform")
    prepare_simulated(home)
    return home / "gcs"


@pytest.fixture(scope="module")
def rows(bucket, prepare) -> Rows:
    found: Rows = {}
    for prefix, (source, dataset) in PREFIXES.items():
        for path in sorted(path for path in (bucket / prefix).rglob("*") if path.is_file()):
            name = path.relative_to(bucket / prefix).as_posix()
            for table, more in prepare(source, dataset, path.read_bytes(), name).items():
                found.setdefault(table, []).extend(more)
    return found


def test_nothing_is_quarantined(rows):
    assert set(rows) == {
        "firestore_changelog",
        "firebase_auth_users",
        "cloud_logging_entries",
        "cloudflare_http_requests",
        "cloudflare_worker_traces",
        "platform_audit_events",
    }


def test_the_ledger_documents_hold_every_entry_to_the_unit(rows, world):
    documents = {
        row["document_id"]: json.loads(row["data"])
        for row in rows["firestore_changelog"]
        if row["collection"] == "ledger"
    }
    booked: Counter[tuple[str, str]] = Counter()
    for document in documents.values():
        booked[document["kind"], document["mint"]] += int(document["amount"])
    expected: Counter[tuple[str, str]] = Counter()
    for entry in world.ledger:
        expected[entry.kind, entry.mint] += entry.amount
    assert len(documents) == len(world.ledger)
    assert booked == expected


def test_the_audit_log_is_whole_and_every_hash_is_right(rows, world):
    streams: dict[str, dict[int, dict]] = {}
    for row in rows["platform_audit_events"]:
        streams.setdefault(row["stream"], {})[row["seq"]] = row
    for events in streams.values():
        assert sorted(events) == list(range(1, len(events) + 1))
        previous = "0" * 64
        for seq in sorted(events):
            assert events[seq]["prev_hash"] == previous
            assert events[seq]["computed_hash"] == events[seq]["hash"]
            previous = events[seq]["hash"]
    money = Counter((row["action"], row["mint"], row["amount"]) for row in streams["escrow"].values())
    assert money == Counter((entry.kind, entry.mint, str(entry.amount)) for entry in world.ledger)


def test_every_row_lies_on_its_own_day(rows, world):
    days = {day.date().isoformat() for day in world.days()}
    imports = {row["_event_date"] for row in rows["firestore_changelog"] if row["operation"] == "IMPORT"}
    assert imports == {"1970-01-01"}
    found = {row["_event_date"] for table in rows.values() for row in table} - imports
    assert found <= days


def test_no_person_of_the_platform_is_in_any_row(rows, world, bucket):
    people = {
        value
        for user in world.users
        for value in (user.uid, user.wallet, user.email, user.phone, user.display_name, user.ip)
    }
    exported = (bucket / "platform-exports/auth_export/20261006.json").read_text()
    assert sum(word in exported for word in people) > 100  # the search finds people where there are some
    text = "\n".join(json.dumps(row, ensure_ascii=False) for table in rows.values() for row in table)
    assert [word for word in people if word in text] == []
    for secret in ("passwordHash", "Bearer ", "Mozilla/5.0"):
        assert secret not in text
