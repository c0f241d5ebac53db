"""Recorded mode: a folder of recorded data behind the same interfaces."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.app import Platform, build_app, prepare_recorded
from sandbox.recorded import NO_TIMES, InputError, read_recorded
from sandbox.recorded_times import EARLIEST, LATEST, instant
from sandbox.serving import running
from sandbox.stripe_api import API_KEY
from sandbox.stripe_provider import PLATFORM

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"
RECORDS = "http_requests_docs_unixnano.ndjson"
ENTRIES = "cloud_logging/gcp_audit_logentries.ndjson"
CHANGES = "firestore_changelog/change_tracker_2.2.1_rows.ndjson"
recordings = pytest.mark.skipif(not FIXTURES.is_dir(), reason="recorded data (../shared/fixtures) is absent")


def put(folder: Path, name: str, content: Any) -> bytes:
    """Write a file of an input folder: bytes as they are, other values as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return body


def bucket_files(home: Path) -> dict[str, bytes]:
    root = home / "gcs"
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def state(home: Path) -> dict[str, Any]:
    return json.loads((home / "sandbox" / "state.json").read_text())


def served(platform: Platform, resource: str) -> list[dict[str, Any]]:
    """Objects of a resource as the official library lists them."""
    with running(build_app(platform)) as url:
        client = stripe.StripeClient(API_KEY, base_addresses={"api": f"{url}/stripe"})
        return [obj.to_dict() for obj in getattr(client.v1, resource).list({"limit": 2}).auto_paging_iter()]


@recordings
def test_the_shared_recordings(tmp_path: Path) -> None:
    platform = prepare_recorded(tmp_path, FIXTURES, "openbook_v2")
    store = platform.stripe.stores[PLATFORM]
    counts = {name: store.count(name) for name in ("charges", "customers", "events", "disputes", "refunds")}
    assert counts == {"charges": 3, "customers": 1, "events": 1, "disputes": 2, "refunds": 1}
    assert {obj["id"] for obj in served(platform, "balance_transactions")} == {
        "txn_fake_ch_fakefakefakefakefake0001",
        "txn_1PgaxNB7WZ01zgkWEV3TLf40",
    }
    wrong = next(obj for obj in served(platform, "charges") if obj["id"] == "ch_1JHRCWJSZQVUcJYgOCavbxio")
    assert (wrong["amount"], wrong["failure_code"]) == ("10.00", "")

    files = bucket_files(tmp_path)
    for source, key in {
        f"cloudflare/{RECORDS}": f"platform-logpush/http_requests/{RECORDS}",
        f"firebase/{ENTRIES}": f"platform-exports/{ENTRIES}",
        f"firebase/{CHANGES}": f"platform-exports/{CHANGES}",
        "solana/expected_events.json": "platform-exports/unusable/solana/expected_events.json",
    }.items():
        assert files[key] == (FIXTURES / source).read_bytes()
    assert Counter("/".join(key.split("/")[:2]) for key in files) == {
        "platform-exports/cloud_logging": 1,
        "platform-exports/firestore_changelog": 2,
        "platform-exports/managed_export": 5,
        "platform-exports/unusable": 1,
        "platform-logpush/http_requests": 2,
    }
    told = state(tmp_path)
    assert (told["mode"], told["profile"]) == ("recorded", "openbook_v2")
    assert told["windows"]["stripe"] == {"start": "2009-02-13T00:00:00Z", "end": "2021-07-09T00:00:00Z"}
    assert told["windows"]["cloudflare"] == {"start": "2017-09-29T00:00:00Z", "end": "2017-09-30T00:00:00Z"}
    assert told["windows"]["firebase"] == {"start": "2020-05-15T00:00:00Z", "end": "2025-12-16T00:00:00Z"}
    assert told["window"]["start"] == "2009-02-13T00:00:00Z"
    assert told["unserved_stripe_objects"]["invoice"] == 1


@recordings
def test_every_recorded_transaction_is_served() -> None:
    recorded = read_recorded(FIXTURES)
    signatures = set()
    for path in (FIXTURES / "solana").glob("tx/*json*.json"):
        answer = json.loads(path.read_text())
        signatures.add(answer.get("result", answer)["transaction"]["signatures"][0])
    assert len(signatures) >= 3
    assert all(recorded.chain.transaction(signature, "json") for signature in signatures)


TRANSACTION = {
    "slot": 5,
    "blockTime": 1_700_000_000,
    "meta": None,
    "transaction": {"signatures": ["5" * 88], "message": {"accountKeys": ["1" * 32]}},
}
CHARGE = {"id": "ch_1", "object": "charge", "created": 1_700_000_100, "amount": 5}


def test_solana_files_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "solana/bare.json", TRANSACTION)
    put(tmp_path, "solana/deep/enveloped.json", {"jsonrpc": "2.0", "id": 1, "result": {**TRANSACTION, "slot": 6}})
    put(tmp_path, "solana/idl/legacy.json", {"name": "game", "version": "0.1.0", "instructions": []})
    put(tmp_path, "solana/idl/new.json", {"address": "x", "metadata": {"name": "game"}, "instructions": []})
    bad = {
        "solana/codama.json": put(tmp_path, "solana/codama.json", {"kind": "rootNode", "program": {}}),
        "solana/cut.json": put(tmp_path, "solana/cut.json", json.dumps(TRANSACTION).encode()[:-9]),
        "solana/empty.json": put(tmp_path, "solana/empty.json", b""),
        "solana/error.json": put(tmp_path, "solana/error.json", {"jsonrpc": "2.0", "error": {"code": -32004}, "id": 1}),
        "solana/null.json": put(tmp_path, "solana/null.json", {"jsonrpc": "2.0", "result": None, "id": 1}),
        "solana/odd.json": put(tmp_path, "solana/odd.json", {**TRANSACTION, "meta": [1]}),
        "solana/latin.json": put(tmp_path, "solana/latin.json", b'{"caf\xe9": 1}'),
        "solana/deep.json": put(tmp_path, "solana/deep.json", b"[" * 100_000),
    }
    put(tmp_path, "solana/notes.txt", b"no answer")
    recorded = read_recorded(tmp_path)
    assert {c.key: c.path.read_bytes() for c in recorded.copies} == {f"unusable/{name}": b for name, b in bad.items()}
    assert [row.slot for row in recorded.chain.history("1" * 32)] == [5]
    assert recorded.windows == {"solana": (datetime(2023, 11, 14, tzinfo=UTC), datetime(2023, 11, 15, tzinfo=UTC))}


def test_stripe_files_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "in/stripe/a/single.json", CHARGE)
    put(
        tmp_path,
        "in/stripe/b/list.json",
        {"object": "list", "data": [CHARGE, {**CHARGE, "id": "ch_2", "created": "x"}]},
    )
    put(tmp_path, "in/stripe/c/array.json", [{**CHARGE, "id": "ch_3", "created": 1_700_200_000}])
    put(
        tmp_path,
        "in/stripe/d/map.json",
        {
            "resources": {
                "charge": {**CHARGE, "id": "ch_4"},
                "deleted_customer": {"id": "cus_1", "object": "customer", "deleted": True},
                "invoice": {"id": "in_1", "object": "invoice"},
                "item": {"name": "no object"},
                "balance": {"object": "balance", "available": [{"amount": 7, "currency": "usd"}]},
            }
        },
    )
    put(tmp_path, "in/stripe/e/invoice.json", {"id": "in_2", "object": "invoice"})
    bad = {
        name: put(tmp_path / "in", f"stripe/{name}", content)
        for name, content in {
            "f/another_version.json": {**CHARGE, "amount": 6},
            "f/nan.json": b'{"id": "ch_9", "object": "charge", "amount": NaN}',
            "f/no_id.json": {"object": "charge"},
            "f/number.json": b"7",
            "f/partly.json": [{**CHARGE, "id": "ch_5"}, "text"],
        }.items()
    }
    platform = prepare_recorded(tmp_path / "home", tmp_path / "in", "openbook_v2")
    assert bucket_files(tmp_path / "home") == {f"platform-exports/unusable/stripe/{n}": b for n, b in bad.items()}
    charges = served(platform, "charges")
    # ch_2 has no usable time: it is found at the start of the window, so after all others.
    assert [charge["id"] for charge in charges] == ["ch_3", "ch_5", "ch_4", "ch_1", "ch_2"]
    assert (charges[3]["amount"], charges[4]["created"]) == (5, "x")
    assert platform.stripe.stores[PLATFORM].balance["available"] == [{"amount": 7, "currency": "usd"}]
    told = state(tmp_path / "home")
    assert told["unserved_stripe_objects"] == {"deleted_customer": 1, "invoice": 2}
    assert told["window"] == {"start": "2023-11-14T00:00:00Z", "end": "2023-11-18T00:00:00Z"}
    start = int(datetime(2023, 11, 14, tzinfo=UTC).timestamp())
    with running(build_app(platform)) as url:
        client = stripe.StripeClient(API_KEY, base_addresses={"api": f"{url}/stripe"})
        windowed = client.v1.charges.list({"created": {"gte": start, "lt": start + 4 * 86_400}})
        assert len(windowed.data) == 5


def test_export_and_log_files_are_copied_byte_for_byte(tmp_path: Path) -> None:
    folder, home = tmp_path / "in", tmp_path / "home"
    change = {"timestamp": "2024-02-29T23:59:59.999999Z", "operation": "CREATE"}
    imported = {"timestamp": "1970-01-01T00:00:00Z", "operation": "IMPORT"}
    lines = "\n".join(json.dumps(row) for row in (imported, {"insertId": "1", "json": change})).encode()
    log = gzip.compress(b'{"EventTimestampMs":1709251200000}\nnot json\n')
    contents = {
        ("firebase/firestore_changelog/x/rows.ndjson.gz", "platform-exports"): gzip.compress(lines),
        ("firebase/managed_export/all/output-0", "platform-exports"): b"\x00\x01",
        ("firebase/auth_export/users.json", "platform-exports"): {"users": [{"createdAt": "1709164800000"}]},
        ("firebase/cloud_logging/a/b.json", "platform-exports"): b"{cut",
        ("firebase/storage/photo.jpg", "platform-exports/unusable/firebase"): b"\xff\xd8",
        ("cloudflare/workers_trace_events/20240301/a.log.gz", "platform-logpush"): log,
        ("cloudflare/http_requests_x.csv", "platform-logpush/http_requests"): b"a,b\n",
        ("cloudflare/dns_logs/a.log", "platform-exports/unusable/cloudflare"): b"{}",
    }
    wanted = {
        f"{place}/{name.split('/', 1)[1]}": put(folder, name, content) for (name, place), content in contents.items()
    }
    prepare_recorded(home, folder, "openbook_v2")
    assert bucket_files(home) == wanted
    assert state(home)["windows"] == {
        "cloudflare": {"start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"},
        "firebase": {"start": "2024-02-29T00:00:00Z", "end": "2024-03-01T00:00:00Z"},
    }
    assert state(home)["window"] == {"start": "2024-02-29T00:00:00Z", "end": "2024-03-02T00:00:00Z"}

    mended = put(folder, "firebase/cloud_logging/a/b.json", b'{"timestamp":"2024-03-05T10:00:00Z"}')
    prepare_recorded(home, folder, "openbook_v2")
    assert bucket_files(home) == {**wanted, "platform-exports/cloud_logging/a/b.json": mended}
    assert state(home)["window"]["end"] == "2024-03-06T00:00:00Z"


def test_an_empty_folder_is_four_sources_without_data(tmp_path: Path) -> None:
    recorded = read_recorded(tmp_path)
    assert (recorded.copies, recorded.windows, recorded.window) == ((), {}, NO_TIMES)
    assert (recorded.chain.tip, recorded.store.count("charges")) == (0, 0)
    with pytest.raises(InputError, match="does not exist"):
        read_recorded(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_506_702_504_433_000_200, datetime(2017, 9, 29, 16, 28, 24, tzinfo=UTC)),
        ("1506702504433000200", datetime(2017, 9, 29, 16, 28, 24, tzinfo=UTC)),
        (1_692_429_158_123, datetime(2023, 8, 19, 7, 12, 38, tzinfo=UTC)),
        ("1692429158", datetime(2023, 8, 19, 7, 12, 38, tzinfo=UTC)),
        ("2023-08-19T07:12:38.123456789Z", datetime(2023, 8, 19, 7, 12, 38, tzinfo=UTC)),
        ("2023-08-19T09:12:38+02:00", datetime(2023, 8, 19, 7, 12, 38, tzinfo=UTC)),
        (3, EARLIEST),
        (10**40, LATEST),
        ("1970-01-01T00:00:00Z", None),
        (0, None),
        ("soon", None),
        (True, None),
        (None, None),
    ],
)
def test_times_in_every_spelling(value: Any, expected: datetime | None) -> None:
    found = instant(value)
    assert (found.replace(microsecond=0) if found else None) == expected
