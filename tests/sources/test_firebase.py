"""Firebase exports -> rows: documents without people, every row that is one, and a reason for each that is none."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.sources.conftest import original, reasons

WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
MINT = "FLJEHp146XNAu8cnbfTaWMH3mjYZCe3LXWKkyMTCWVRB"
ROOT = "projects/p/databases/(default)/documents"


def change(path: str, data: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-10-05T10:00:00.123456Z",
        "event_id": "e1",
        "document_name": f"{ROOT}/{path}",
        "document_id": path.rpartition("/")[2],
        "operation": "UPDATE",
        "data": None if data is None else json.dumps(data),
        "old_data": None,
        **fields,
    }


def ndjson(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def counted(rows: dict[str, list[dict[str, Any]]]) -> int | None:
    """Takes the independent count out of an object's rows."""
    [row] = rows.pop("record_counts", [{"records": None}])
    return row["records"]


def changelog(prepare, *rows: Any) -> list[dict[str, Any]]:
    found = prepare("firebase", "firestore_changelog", ndjson(*rows))
    assert "quarantine" not in found, found["quarantine"]
    return found["firestore_changelog"]


def test_a_ledger_document_keeps_its_amount_as_text_and_hides_its_user(prepare, user):
    ledger = {"amount": "9007199254740993", "user": "u0001", "mint": MINT, "matchId": "m00001", "n": 2**64 + 1}
    [row] = changelog(prepare, change("ledger/l1", ledger))
    assert row == {
        "timestamp": "2026-10-05T10:00:00.123456Z",
        "event_id": "e1",
        "document_name": f"{ROOT}/ledger/l1",
        "document_id": "l1",
        "collection": "ledger",
        "operation": "UPDATE",
        "data": f'{{"amount":"9007199254740993","user":"{user("u0001")}","mint":"{MINT}","matchId":"m00001",'
        '"n":18446744073709551617}',
        "old_data": None,
        "path_params": None,
        "_line": 1,
        "_event_date": "2026-10-05",
    }


def test_a_users_document_hides_the_user_everywhere(prepare, user, wallet):
    document = {
        "uid": "u0001",
        "wallet": WALLET,
        "email": "jane@example.org",
        "displayName": "Jane Doe",
        "kycTier": 2,
        "friend": "users/u0002",
        "createdAt": {"_seconds": 1, "_nanoseconds": 2},
        "ключ": "значение",
    }
    [row] = changelog(prepare, change("users/u0001", document, path_params=json.dumps({"documentId": "u0001", "n": 1})))
    assert row["document_name"] == f"{ROOT}/users/{user('u0001')}"
    assert (row["document_id"], row["collection"]) == (user("u0001"), "users")
    assert json.loads(row["path_params"]) == {"documentId": user("u0001"), "n": 1}
    assert json.loads(row["data"]) == {
        "uid": user("u0001"),
        "wallet": wallet(WALLET),
        "email": None,
        "displayName": None,
        "kycTier": 2,
        "friend": f"users/{user('u0002')}",
        "createdAt": {"_seconds": 1, "_nanoseconds": 2},
        "ключ": "значение",
    }
    assert "ключ" in row["data"]


@pytest.mark.parametrize(
    ("path", "data", "hidden"),
    [
        ("presence/u0001", None, "u0001"),
        ("seats/u0001", {"uid": "u0001"}, "u0001"),
        ("seats/jane@example.org", {}, "jane@example.org"),
        ("matches/m1/players/u0001", {}, "u0001"),
    ],
)
def test_a_document_named_after_a_user_is_told_by_its_collection_or_content(prepare, user, path, data, hidden):
    [row] = changelog(prepare, change(path, data, operation="DELETE" if data is None else "CREATE"))
    assert row["document_id"] == user(hidden)
    assert hidden not in row["document_name"]


def test_a_wallets_document_gets_the_wallets_pseudonym(prepare, wallet):
    [row] = changelog(prepare, change(f"balances/{WALLET}", {}))
    assert row["document_id"] == wallet(WALLET)
    [row] = changelog(prepare, change(f"mints/{MINT}", {}))
    assert row["document_id"] == MINT


def test_envelopes_arrays_and_rows_without_optional_fields(prepare):
    bare, wrapped = change("matches/m1", {"status": "active"}), {"insertId": "e1", "json": change("matches/m2", {})}
    del bare["document_id"], bare["old_data"]
    rows = prepare("firebase", "firestore_changelog", json.dumps([bare, wrapped], indent=1).encode())
    assert [(row["document_id"], row["_line"]) for row in rows["firestore_changelog"]] == [("m1", 1), ("m2", 2)]


def test_an_import_has_the_epoch_and_no_event_id(prepare):
    imported = change("matches/m1", {"a": 1}, timestamp="1970-01-01T00:00:00.000Z", event_id="", operation="IMPORT")
    [row] = changelog(prepare, imported)
    assert (row["timestamp"], row["event_id"], row["_event_date"]) == ("1970-01-01T00:00:00Z", "", "1970-01-01")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"name": "timestamp", "mode": "REQUIRED"}, "not_a_changelog_row"),
        (7, "not_an_object"),
        (change("matches/m1", timestamp=None), "missing_field"),
        (change("matches/m1", timestamp="soon"), "bad_time"),
        (change("matches/m1", event_id=None), "missing_field"),
        (change("matches/m1", operation="MERGE"), "unknown_operation"),
        (change("matches"), "bad_document_name"),
        (change("matches//x/y"), "bad_document_name"),
        (change("matches/m1") | {"data": "{"}, "bad_json_in_field"),
        (change("matches/m1") | {"data": "[1]"}, "wrong_type"),
        (change("matches/m1") | {"data": {"a": 1}}, "wrong_type"),
        (change("matches/m1") | {"document_id": 7}, "wrong_type"),
    ],
)
def test_a_row_that_is_none_is_quarantined_and_the_next_is_kept(prepare, bad, code):
    body = ndjson(bad, change("matches/m2", {}))
    rows = prepare("firebase", "firestore_changelog", body)
    assert reasons(rows) == [(1, code)]
    assert original(rows["quarantine"][0]) == body.splitlines()[0]
    assert [row["document_id"] for row in rows["firestore_changelog"]] == ["m2"]


def test_a_document_too_deep_for_cleaning_is_quarantined(prepare):
    deep = "[" * 900 + "]" * 900
    rows = prepare(
        "firebase", "firestore_changelog", ndjson(change("a/b") | {"data": f'{{"a":{deep}}}'}, change("a/c"))
    )
    assert reasons(rows) == [(1, "nested_too_deep")]
    assert len(rows["firestore_changelog"]) == 1


USER = {
    "localId": "u0001",
    "email": "jane@example.org",
    "emailVerified": True,
    "passwordHash": "aGFzaC1vZi1qYW5l",
    "salt": "c2FsdA",
    "displayName": "Jane Doe",
    "phoneNumber": "+15552010137",
    "createdAt": "1791158400123",
    "lastSignedInAt": "1791244800000",
    "disabled": False,
    "mfaInfo": [{}],
    "providerUserInfo": [{"providerId": "google.com", "rawId": "9", "email": "jane@example.org"}],
}
PERSONAL = ("u0001", "jane", "Jane", "aGFzaC1vZi1qYW5l", "c2FsdA", "5552010137")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"users": [USER]}, indent=2).encode(),
        json.dumps([USER]).encode(),
        json.dumps(USER).encode(),
        json.dumps({"kind": "x", "users": [USER]}).encode(),
    ],
)
def test_an_auth_export_has_no_person_in_it(prepare, user, body):
    rows = prepare("firebase", "auth_export", body, "2026/20261006.json")
    assert counted(rows) == 1
    assert rows == {
        "firebase_auth_users": [
            {
                "uid": user("u0001"),
                "exported_at": "2026-10-06T00:00:00Z",
                "created_at": "2026-10-05T00:00:00.123000Z",
                "last_signed_in_at": "2026-10-06T00:00:00Z",
                "email_verified": True,
                "disabled": False,
                "providers": '["google.com"]',
                "mfa_factors": 1,
                "_line": 1,
                "_event_date": "2026-10-06",
            }
        ]
    }
    assert not any(word in json.dumps(rows) for word in PERSONAL)


def test_the_csv_form_gives_the_same_user(prepare, user):
    cells = [""] * 28
    cells[0], cells[1], cells[2], cells[3], cells[5] = (
        "u0001",
        "jane@example.org",
        "true",
        "aGFzaC1vZi1qYW5l",
        "Doe, Jane",
    )
    cells[7], cells[19], cells[23], cells[24], cells[26] = "9", "8", "1791158400123", "1791244800000", "true"
    cells[27] = '{"role":"x"}'
    text = io.StringIO()
    csv.writer(text, lineterminator=",\n").writerow(cells)
    body = text.getvalue().encode() + b"u0002,too short\n" + text.getvalue().replace(",true,", ",maybe,", 1).encode()
    rows = prepare("firebase", "auth_export", body, "20261006.csv")
    [row] = rows["firebase_auth_users"]
    assert (row["uid"], row["email_verified"], row["disabled"]) == (user("u0001"), True, True)
    assert (row["created_at"], row["providers"]) == ("2026-10-05T00:00:00.123000Z", '["google.com","github.com"]')
    assert reasons(rows) == [(2, "bad_csv"), (3, "wrong_type")]
    assert not any(word in json.dumps(rows) for word in PERSONAL)


def test_what_is_wrong_in_an_auth_export_never_shows_a_password_hash(prepare):
    bad = [{**USER, "localId": None}, {**USER, "createdAt": "soon"}, {**USER, "disabled": "no"}]
    rows = prepare("firebase", "auth_export", ndjson(*bad) + b'{"passwordHash": "aGFzaC1vZi1qYW5l"')
    assert [code for _, code in reasons(rows)] == ["missing_field", "bad_time", "wrong_type", "bad_json"]
    assert {row["raw_base64"] for row in rows["quarantine"]} == {""}


ENTRY = {
    "insertId": "i1",
    "logName": "projects/p/logs/writer",
    "timestamp": "2026-10-05T10:00:00.123456789Z",
    "severity": "ERROR",
    "resource": {"type": "cloud_function", "labels": {"name": "x"}},
    "jsonPayload": {"message": "write of users/u0001 failed for jane@example.org from 203.0.113.7"},
}


def test_log_entries_are_typed_and_scrubbed(prepare, user):
    lower = {"insertid": "i2", "logname": "l", "timestamp": "2026-10-05 10:00:00.5", "severity": "INFO"}
    rows = prepare("firebase", "cloud_logging", ndjson(ENTRY, lower))
    first, second = rows["cloud_logging_entries"]
    record = json.loads(first.pop("record"))
    assert first == {
        "insert_id": "i1",
        "timestamp": "2026-10-05T10:00:00.123456Z",
        "log_name": "projects/p/logs/writer",
        "severity": "ERROR",
        "resource_type": "cloud_function",
        "service": None,
        "method": None,
        "error_code": None,
        "collections": "[]",
        "_line": 1,
        "_event_date": "2026-10-05",
    }
    assert record["jsonPayload"]["message"] == f"write of users/{user('u0001')} failed for [email] from [ip]"
    assert (second["insert_id"], second["log_name"], second["timestamp"]) == ("i2", "l", "2026-10-05T10:00:00.500000Z")


def test_what_is_no_log_entry_is_quarantined(prepare):
    body = ndjson({"a": 1}, {**ENTRY, "timestamp": "soon"}, {**ENTRY, "resource": "x"}, {**ENTRY, "severity": 200})
    rows = prepare("firebase", "cloud_logging", body)
    assert reasons(rows) == [(1, "not_a_log_entry"), (2, "bad_time"), (3, "wrong_type"), (4, "wrong_type")]


def test_recorded_changelog_rows_are_rows_and_their_schema_is_not(prepare, fixtures):
    folder = fixtures / "firebase/firestore_changelog"
    body = (folder / "change_tracker_2.2.1_rows.ndjson").read_bytes()
    rows = prepare("firebase", "firestore_changelog", body)
    assert counted(rows) == 5
    assert list(rows) == ["firestore_changelog"]
    operations = [row["operation"] for row in rows["firestore_changelog"]]
    assert operations == ["CREATE", "UPDATE", "DELETE", "IMPORT", "UPDATE"]
    assert {row["collection"] for row in rows["firestore_changelog"]} == {"users/{}/items"}
    received = [json.loads(line)["json"] for line in body.splitlines()]
    for row, change_ in zip(rows["firestore_changelog"], received, strict=True):
        for name in ("data", "old_data"):
            stated = change_.get(name)
            assert row[name] == stated or json.loads(row[name]) == json.loads(stated)
    schema = prepare("firebase", "firestore_changelog", (folder / "raw_changelog_schema.json").read_bytes())
    assert reasons(schema) == [(1, "not_a_changelog_row")]


def test_recorded_log_entries_all_become_rows_without_anybodys_address(prepare, fixtures):
    body = (fixtures / "firebase/cloud_logging/gcp_audit_logentries.ndjson").read_bytes()
    rows = prepare("firebase", "cloud_logging", body)
    assert counted(rows) == 75
    assert {table: len(found) for table, found in rows.items()} == {"cloud_logging_entries": 75}
    text = json.dumps(rows)
    for personal in ("user1@company.io", "some.user@", "1.2.3.4", "12.12.12.12", "Mozilla/5.0", "backdoor@"):
        assert personal in body.decode()
        assert personal not in text
    assert sum(row["insert_id"] is not None for row in rows["cloud_logging_entries"]) == 52
