"""Everything the simulated platform exports, through the row producers, against its own books."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.cloudflare.worker_logs import COLUMNS
from sandbox.app import payments_of, prepare_simulated
from sandbox.audit_log import audit_records, from_ms, iso_ms
from sandbox.chain import build_chain
from sandbox.cloud_logging import write_errors
from sandbox.traffic import api_calls
from sandbox.worker_life import live
from sandbox.world import build_world
from tests.sources.conftest import Rows
from warehouse.window import format_instant

PREFIXES = {
    "platform-exports/firestore_changelog": ("firebase", "firestore_changelog"),
    "platform-exports/auth_export": ("firebase", "auth_export"),
    "platform-exports/cloud_logging": ("firebase", "cloud_logging"),
    "platform-exports/managed_export": ("firebase", "managed_export"),
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
        "record_counts",
        "firestore_export_documents",
        "firestore_export_metadata",
        "cloudflare_http_requests",
        "cloudflare_worker_traces",
        "platform_audit_events",
        "worker_logs",
    }


def test_the_export_has_the_documents_that_the_changes_leave_there(rows):
    [overall] = [row for row in rows["firestore_export_metadata"] if row["kind"] == "overall"]
    exported = {row["document_name"]: json.loads(row["data"]) for row in rows["firestore_export_documents"]}
    left: dict[str, Any] = {}
    for change in sorted(rows["firestore_changelog"], key=lambda row: row["timestamp"]):
        if change["timestamp"] <= "2026-10-08T03:00:00.250000Z":
            left[change["document_name"]] = change["data"] and json.loads(change["data"])
    assert overall["documents"] == len(exported) > 500
    assert exported == {name: data for name, data in left.items() if data is not None}


def test_failed_writes_are_the_platforms_own(rows, world):
    failed: Counter = Counter()
    told = {(row["insert_id"], row["timestamp"]): row for row in rows["cloud_logging_entries"]}
    for row in told.values():
        for collection in json.loads(row["collections"]) if row["error_code"] else ():
            logged_by = "audit" if row["service"] else "application"
            failed[row["timestamp"][:13] + ":00:00Z", logged_by, collection, row["error_code"]] += 1
    assert failed == {
        (hour, logged_by, collection, code): count
        for hour, logs in write_errors(world).items()
        for logged_by, collections in logs.items()
        for collection, codes in collections.items()
        for code, count in codes.items()
    }
    assert {logged_by for _, logged_by, _, _ in failed} == {"audit", "application"}


def test_the_workers_lines_are_the_platforms_own_facts(rows, world):
    signatures = build_chain(world).signatures
    records = audit_records(world.actions, payments_of(world).actions, signatures)
    lines = live(world, api_calls(world, records), signatures).lines
    told = Counter((row["kind"], row["at"], row["service"], figures(row)) for row in rows["worker_logs"])
    facts = Counter(
        (line.kind, stamp(iso_ms(from_ms(line.at_ms))), line.service, figures(expected(line.fields))) for line in lines
    )
    assert len(lines) > 10_000
    assert told == facts


def test_transactions_are_booked_when_the_ledger_documents_say_so(rows):
    documents = {
        json.loads(row["data"])["signature"]: row["timestamp"]
        for row in rows["firestore_changelog"]
        if row["collection"] == "ledger"
    }
    booked = {row["signature"]: row["at"] for row in rows["worker_logs"] if row["kind"] == "ledger_write"}
    assert booked == documents


def figures(row: dict) -> tuple:
    """The columns that a structured line fills, in one order."""
    return tuple(row.get(name) for name in COLUMNS)


def expected(fields: dict) -> dict:
    """Fields as columns: times as the rows write them."""
    times = {name: fields[name] for name in ("created_at", "finalized_at", "submitted_at") if name in fields}
    return fields | {name: stamp(value) for name, value in times.items()}


def stamp(value: int | str) -> str:
    """A time as rows write it."""
    return format_instant(
        datetime.fromtimestamp(value, UTC) if isinstance(value, int) else datetime.fromisoformat(value)
    )


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
    dated = (table for name, table in rows.items() if name != "record_counts")
    found = {row["_event_date"] for table in dated for row in table} - imports
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
