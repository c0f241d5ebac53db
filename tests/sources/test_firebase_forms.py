"""Forms of Firebase's exports: the CSV as firebase-tools writes it, payloads of log entries, counts, unknown fields."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ingestion.firebase.log_payload import Payload, payload
from tests.sources.conftest import reasons
from tests.sources.test_firebase import ENTRY, USER, change, counted, ndjson


def exported(uid: str, **cells: Any) -> str:
    """A line as firebase-tools' accountExporter.ts joins it: 28 cells and a comma; only commas make it quote."""
    row = [""] * 28
    places = {"email": 1, "verified": 2, "hash": 3, "salt": 4, "name": 5, "google": 7, "facebook": 11, "twitter": 15}
    places |= {"github": 19, "created": 23, "signed_in": 24, "disabled": 26, "claims": 27}
    row[0] = uid
    told = {"verified": "false", "hash": "aGFzaA==", "salt": "c2FsdA==", "created": "1791158400123"} | cells
    for name, value in told.items():
        row[places[name]] = f'"{value}"' if "," in value and name == "name" else value
    return ",".join(row) + ",\n"


def users(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[str, int]]:
    return [(row["uid"], row["_line"]) for row in rows["firebase_auth_users"]]


def test_names_with_commas_quotes_and_line_ends_break_no_other_user(prepare, user):
    lines = [
        exported("u1", name="Doe, Jane"),
        exported("u2", name='Doe, "J" Jane'),  # quotes within quotes aren't doubled
        exported("u3", name="Jane\nDoe"),  # a line end isn't quoted
        exported("u4", name='"Jane'),  # a quote that is never closed
        exported("u5", claims='"{""a"":""x\ny"",""b"":1}"'),
        exported("u6", google="9", github="8", signed_in="1791244800000", disabled="true", verified="true"),
    ]
    body = "".join(lines).encode()
    rows = prepare("firebase", "auth_export", body, "20261006.csv")
    assert users(rows) == [(user("u1"), 1), (user("u2"), 2), (user("u3"), 3), (user("u5"), 6), (user("u6"), 8)]
    assert reasons(rows) == [(5, "bad_csv")]
    assert rows["quarantine"][0]["raw_bytes"] == 0
    last = rows["firebase_auth_users"][-1]
    assert (last["providers"], last["disabled"], last["email_verified"]) == ('["google.com","github.com"]', True, True)
    assert (last["created_at"], last["last_signed_in_at"]) == ("2026-10-05T00:00:00.123000Z", "2026-10-06T00:00:00Z")
    assert not any(word in json.dumps(rows) for word in ("aGFzaA", "c2FsdA", "Jane"))


def test_the_json_form_has_the_spellings_of_other_editions(prepare, user):
    body = ndjson({"uid": "u1", "lastLoginAt": 1791244800000, "createdAt": "1791158400123"}, {"localId": ""})
    rows = prepare("firebase", "auth_export", body, "20261006.json")
    [row] = rows["firebase_auth_users"]
    assert (row["uid"], row["last_signed_in_at"]) == (user("u1"), "2026-10-06T00:00:00Z")
    assert reasons(rows) == [(2, "missing_field")]


@pytest.mark.parametrize(
    ("dataset", "name", "body", "records"),
    [
        ("firestore_changelog", "a.ndjson", ndjson(change("a/b", {}), {"x": 1}) + b"\n{cut\n", 3),
        ("firestore_changelog", "a.json", json.dumps([change("a/b", {}), 7], indent=1).encode(), 2),
        ("firestore_changelog", "a.ndjson", b"", 0),
        ("auth_export", "a.json", json.dumps({"users": [USER, USER]}, indent=2).encode(), 2),
        ("auth_export", "a.csv", (exported("u1") + exported("u2", name="Doe, Jane")).encode(), 2),
        ("cloud_logging", "a.json", b'{"entries":[' + json.dumps(ENTRY).encode() + b"]}", 1),
        ("firestore_changelog", "a.ndjson.gz", gzip.compress(ndjson(*[change("a/b", {})] * 50), mtime=0)[:-9], None),
        ("firestore_changelog", "a.json", b"[" + json.dumps(change("a/b", {})).encode(), None),
        ("cloud_logging", "a.json", b'{"entries":[{}]}\n{"entries":[{}]}\n', None),
    ],
    ids=["lines", "array", "nothing", "users", "csv", "entries", "cut gzip", "array without end", "two documents"],
)
def test_records_are_counted_without_the_reader(prepare, dataset, name, body, records):
    rows = prepare("firebase", dataset, body, name)
    assert counted(rows) == records
    if records is not None:
        assert sum(map(len, rows.values())) == records


def test_fields_that_no_documentation_names_are_told_and_kept(prepare):
    rows = prepare(
        "firebase",
        "firestore_changelog",
        ndjson(
            {"insertId": "e1", "json": change("a/b", {}) | {"partition": 7}, "schemaVersion": "2"},
            change("a/c", {}) | {"partition": 8},
        ),
    )
    told = [(row["field"], row["json_type"], row["records"], row["first_line"]) for row in rows["schema_changes"]]
    assert told == [("partition", "number", 2, 1), ("schemaVersion", "string", 1, 1)]
    rows = prepare("firebase", "auth_export", ndjson(USER, USER | {"riskScore": 0.5}))
    assert [row["field"] for row in rows["schema_changes"]] == ["riskScore"]
    entry = {"insertid": "i", "logname": "l", "jsonpayload_v1_x": {"a": 1}, "fresh": {}}
    rows = prepare("firebase", "cloud_logging", ndjson(ENTRY, entry))
    assert [row["field"] for row in rows["schema_changes"]] == ["fresh"]
    assert '"fresh":{}' in rows["cloud_logging_entries"][1]["record"]


ROOT = "projects/p/databases/(default)/documents"
COMMIT = {
    "serviceName": "firestore.googleapis.com",
    "methodName": "google.firestore.v1.Firestore.Commit",
    "resourceName": "projects/p/databases/(default)",
    "status": {"code": 10, "message": "too much contention"},
    "request": {
        "writes": [
            {"update": {"name": f"{ROOT}/ledger/e1", "fields": {"note": {"stringValue": f"{ROOT}/notes/n1"}}}},
            {"delete": f"{ROOT}/users/u1/items/i1"},
            {"transform": {"document": f"{ROOT}/ledger/e2"}},
        ]
    },
}
FAILED = Payload(COMMIT["serviceName"], COMMIT["methodName"], "ABORTED", ("ledger", "users/{}/items"))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"protoPayload": COMMIT}, FAILED),
        (
            {  # as a sink writes it to BigQuery
                "protopayload_auditlog": {key: COMMIT[key] for key in ("serviceName", "methodName", "status")}
                | {"requestJson": json.dumps(COMMIT["request"])}
            },
            FAILED,
        ),
        (
            {"protoPayload": {"methodName": "m", "status": {}, "metadata": {"keys": [f"{ROOT}/matches/m1"]}}},
            Payload(None, "m", None, ("matches",)),
        ),
        ({"protoPayload": {"status": {"code": 7}, "requestJson": "{cut"}}, Payload(error_code="PERMISSION_DENIED")),
        ({"protoPayload": {"status": {"code": 99}}}, Payload()),
        ({"jsonPayload": {"collection": "matches", "code": "ABORTED"}}, Payload(None, None, "ABORTED", ("matches",))),
        ({"jsonPayload": {"collection": "matches", "code": "deadline-exceeded"}},
         Payload(None, None, "DEADLINE_EXCEEDED", ("matches",))),
        ({"jsonpayload_v1": {"collection": "a b", "code": "jane@example.org"}}, Payload()),
        ({"textPayload": "write failed"}, Payload()),
    ],
)  # fmt: skip
def test_a_log_entry_says_which_collections_and_which_error(entry, said):
    assert payload(entry) == said


def test_a_failed_commit_is_a_row_with_its_collections(prepare, user):
    entry = {"insertId": "i", "logName": "l", "timestamp": "2026-10-05T10:00:00Z", "protoPayload": COMMIT}
    [row] = prepare("firebase", "cloud_logging", ndjson(entry))["cloud_logging_entries"]
    assert (row["service"], row["method"], row["error_code"], row["collections"]) == (
        "firestore.googleapis.com",
        "google.firestore.v1.Firestore.Commit",
        "ABORTED",
        '["ledger","users/{}/items"]',
    )
    assert f"users/{user('u1')}/items" in row["record"]
    assert "users/u1" not in row["record"]
