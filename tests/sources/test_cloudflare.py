"""Logpush -> rows: exact times, no addresses, and the audit log with its hash recomputed."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest

from tests.sources.conftest import original, reasons

NANOS = 1791158400123456789  # 2026-10-05T00:00:00.123456789Z
REQUEST = {
    "CacheCacheStatus": "dynamic",
    "ClientIP": "203.0.113.7",
    "ClientRequestHost": "play.example",
    "ClientRequestMethod": "GET",
    "ClientRequestPath": "/api/users/u0001/balance",
    "ClientRequestURI": "/api/users/u0001/balance?token=abc",
    "ClientRequestUserAgent": "Mozilla/5.0",
    "Cookies": {"session": "s3cr3t"},
    "EdgeEndTimestamp": NANOS + 5_000_000,
    "EdgeResponseStatus": 200,
    "EdgeStartTimestamp": NANOS,
    "OriginResponseDurationMs": 12,
    "ParentRayID": "00",
    "RayID": "3a6050bcbe121a87",
    "RequestHeaders": {"x-forwarded-for": "203.0.113.7"},
}
PERSONAL = ("203.0.113.7", "u0001", "Mozilla", "s3cr3t", "token", "2001:db8", "jane", "abcdef0123456789")


def ndjson(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_a_request_is_typed_exact_and_anonymous(prepare, user):
    rows = prepare("cloudflare", "http_requests", ndjson(REQUEST))
    [row] = rows["cloudflare_http_requests"]
    record = json.loads(row.pop("record"))
    path = f"/api/users/{user('u0001')}/balance"
    assert row == {
        "ray_id": "3a6050bcbe121a87",
        "parent_ray_id": None,
        "edge_start_at": "2026-10-05T00:00:00.123456Z",
        "edge_start_unixnano": "1791158400123456789",
        "edge_end_at": "2026-10-05T00:00:00.128456Z",
        "method": "GET",
        "host": "play.example",
        "path": path,
        "status": 200,
        "cache_status": "dynamic",
        "origin_duration_ms": 12,
        "sample_rate": "1",
        "_line": 1,
        "_event_date": "2026-10-05",
    }
    assert record["EdgeStartTimestamp"] == NANOS
    assert record["ClientRequestPath"] == path
    assert not any(word in json.dumps(record) for word in PERSONAL)


@pytest.mark.parametrize(
    ("stated", "nanos"),
    [
        (NANOS, NANOS),
        (str(NANOS), NANOS),
        ("2026-10-05T00:00:00.123456789Z", NANOS),
        ("2026-10-05T00:00:00Z", 1791158400 * 10**9),
        (1791158400, 1791158400 * 10**9),
        ("1791158400", 1791158400 * 10**9),
    ],
)
def test_every_time_setting_of_a_job_is_exact(prepare, stated, nanos):
    [row] = prepare("cloudflare", "http_requests", ndjson({"EdgeStartTimestamp": stated}))["cloudflare_http_requests"]
    assert row["edge_start_unixnano"] == str(nanos)


def test_fields_that_are_opted_out_are_null_and_the_name_gives_the_day(prepare):
    name = "20261006/20261006T100000Z_20261006T103000Z_0123abcd.log.gz"
    [row] = prepare("cloudflare", "http_requests", ndjson({"RayID": "r1"}), name)["cloudflare_http_requests"]
    nothing = {key: value for key, value in row.items() if value is None}
    assert row["_event_date"] == "2026-10-06"
    assert set(row) - set(nothing) == {"ray_id", "sample_rate", "record", "_line", "_event_date"}
    [row] = prepare("cloudflare", "http_requests", ndjson({"RayID": "r1"}))["cloudflare_http_requests"]
    assert row["_event_date"] is None


def test_a_subrequest_names_its_parent_and_the_old_response_time_is_nanoseconds(prepare):
    body = ndjson({"RayID": "r2", "ParentRayID": "r1", "OriginResponseTime": 123_999_999, "ClientRequestURI": "/a?b=c"})
    [row] = prepare("cloudflare", "http_requests", body)["cloudflare_http_requests"]
    assert (row["parent_ray_id"], row["origin_duration_ms"], row["path"]) == ("r1", 123, "/a")


def test_no_field_keeps_a_query(prepare):
    [row] = prepare("cloudflare", "http_requests", ndjson({"ClientRequestPath": "/a?code=x1"}))[
        "cloudflare_http_requests"
    ]
    assert (row["path"], row["record"]) == ("/a", '{"ClientRequestPath":"/a"}')


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"events": [REQUEST, REQUEST]}).encode(),
        b'{"events":[\n' + json.dumps(REQUEST).encode() + b",\n" + json.dumps(REQUEST).encode() + b"\n]}\n",
        gzip.compress(ndjson(REQUEST, REQUEST), mtime=0),
    ],
)
def test_the_batch_form_and_gzip_give_the_same_rows(prepare, body):
    assert prepare("cloudflare", "http_requests", body) == prepare(
        "cloudflare", "http_requests", ndjson(REQUEST, REQUEST)
    )


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"name": "RayID", "type": "STRING"}', "not_a_request"),
        (b"[]x", "bad_json"),
        (b'{"RayID": "\xff"}', "invalid_utf8"),
        (b'{"RayID": 7}', "wrong_type"),
        (b'{"EdgeResponseStatus": "200 OK"}', "wrong_type"),
        (b'{"EdgeResponseStatus": 99999999999999999999}', "out_of_range"),
        (b'{"EdgeStartTimestamp": 1.791158400123456789e18}', "bad_time"),
        (b'"text"', "not_an_object"),
    ],
)
def test_a_bad_line_is_quarantined_with_its_bytes_and_its_neighbours_are_kept(prepare, bad, code):
    rows = prepare("cloudflare", "http_requests", ndjson(REQUEST) + bad + b"\n" + ndjson(REQUEST))
    assert reasons(rows) == [(2, code)]
    assert original(rows["quarantine"][0]) == bad
    assert [row["_line"] for row in rows["cloudflare_http_requests"]] == [1, 3]


def test_a_truncated_object_keeps_its_good_lines(prepare):
    body = gzip.compress(ndjson(*({**REQUEST, "RayID": hashlib.md5(b"%d" % n).hexdigest()} for n in range(2000))))
    rows = prepare("cloudflare", "http_requests", body[: len(body) // 2])
    good = len(rows["cloudflare_http_requests"])
    assert 500 < good < 1500
    assert reasons(rows) == [(good + 1, "truncated_gzip")]


@pytest.mark.parametrize("dataset", ["http_requests", "workers_trace_events"])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ownership-challenge.txt", b"0123abcd"),
        ("test.txt.gz", b""),
        ("20261005/x.log.gz", b""),
        ("e", gzip.compress(b"", mtime=0)),
    ],
)
def test_what_is_no_log_has_no_rows(prepare, dataset, name, body):
    assert prepare("cloudflare", dataset, body, name) == {}


def audit_event(**changes: Any) -> dict[str, Any]:
    event = {
        "type": "audit",
        "v": 1,
        "stream": "escrow",
        "seq": 1,
        "at": "2026-10-05T00:00:00.500Z",
        "actor": "u0001",
        "action": "deposit",
        "amount": "9007199254740993",
        "mint": "FLJEHp146XNAu8cnbfTaWMH3mjYZCe3LXWKkyMTCWVRB",
        "currency": None,
        "match_id": None,
        "signature": "sig1",
        "stripe_id": None,
        "prev_hash": "0" * 64,
        "note": "Zürich",
    }
    event["hash"] = hashlib.sha256(
        json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()
    return event | changes


def trace(*messages: Any, **changes: Any) -> dict[str, Any]:
    logs = [{"Level": "info", "Message": [message], "TimestampMs": 1791158400100} for message in messages]
    return {
        "CPUTimeMs": 3,
        "Event": {
            "RayID": "r1",
            "Request": {"Method": "GET", "URL": "https://play.example/api/users/u0001?token=abc"},
            "Response": {"Status": 200},
        },
        "EventTimestampMs": 1791158400123,
        "EventType": "fetch",
        "Exceptions": [{"Name": "TypeError", "Message": "no mail for jane@example.org", "TimestampMs": 1}],
        "Logs": logs,
        "Outcome": "ok",
        "ScriptName": "api",
        "WallTimeMs": 17,
        **changes,
    }


def test_a_trace_is_typed_and_its_texts_are_clean(prepare, user):
    messages = (
        "GET /api/users/u0001 from 2001:db8::7",
        json.dumps({"uid": "u0001", "headers": {"authorization": "Bearer abcdef0123456789"}}),
        {"authorization": "Bearer abcdef0123456789"},
        ["nested", {"user": "u0001"}],
    )
    rows = prepare("cloudflare", "workers_trace_events", ndjson(trace(*messages)))
    [row] = rows["cloudflare_worker_traces"]
    record = json.loads(row.pop("record"))
    assert row == {
        "event_at": "2026-10-05T00:00:00.123000Z",
        "script_name": "api",
        "event_type": "fetch",
        "outcome": "ok",
        "cpu_ms": 3,
        "wall_ms": 17,
        "log_count": 4,
        "error_log_count": 0,
        "warning_log_count": 0,
        "exception_count": 1,
        "_line": 1,
        "_event_date": "2026-10-05",
    }
    assert record["Event"]["Request"]["URL"] == f"https://play.example/api/users/{user('u0001')}"
    assert record["Exceptions"] == [{"Name": "TypeError", "Message": "no mail for [email]", "TimestampMs": 1}]
    assert [log["Message"][0] for log in record["Logs"]] == [
        f"GET /api/users/{user('u0001')} from [ip]",
        json.dumps({"uid": user("u0001"), "headers": None}, separators=(",", ":")),
        {"authorization": "[redacted]"},
        ["nested", {"user": user("u0001")}],
    ]
    assert not any(word in json.dumps(record) for word in PERSONAL)


@pytest.mark.parametrize("as_text", [True, False])
def test_an_audit_event_becomes_a_row_with_its_hash_recomputed(prepare, user, as_text):
    event = audit_event()
    message = json.dumps(event, ensure_ascii=False, indent=1) if as_text else event
    rows = prepare("cloudflare", "workers_trace_events", ndjson(trace("x", message)))
    assert rows["platform_audit_events"] == [
        {
            "stream": "escrow",
            "seq": 1,
            "at": "2026-10-05T00:00:00.500000Z",
            "actor": user("u0001"),
            "action": "deposit",
            "amount": "9007199254740993",
            "mint": "FLJEHp146XNAu8cnbfTaWMH3mjYZCe3LXWKkyMTCWVRB",
            "currency": None,
            "match_id": None,
            "signature": "sig1",
            "stripe_id": None,
            "prev_hash": "0" * 64,
            "hash": event["hash"],
            "computed_hash": event["hash"],
            "_line": 1,
            "_event_date": "2026-10-05",
        }
    ]
    assert "u0001" not in json.dumps(rows)


def test_a_changed_audit_event_has_another_computed_hash(prepare):
    event = audit_event(amount="9007199254740992")
    [row] = prepare("cloudflare", "workers_trace_events", ndjson(trace(json.dumps(event))))["platform_audit_events"]
    assert (row["hash"], row["amount"]) == (event["hash"], "9007199254740992")
    assert row["computed_hash"] != row["hash"]
    assert len(row["computed_hash"]) == 64


@pytest.mark.parametrize(
    ("message", "code", "position"),
    [
        (json.dumps(audit_event())[:-20], "bad_audit_event", ""),
        *(
            (json.dumps({key: value for key, value in audit_event().items() if key != name}), "missing_field", name)
            for name in ("stream", "seq", "at", "actor", "action", "prev_hash", "hash")
        ),
        (json.dumps(audit_event(v=2)), "audit_version", "v"),
        (json.dumps(audit_event(seq="1")), "wrong_type", "seq"),
        (json.dumps(audit_event(seq=0)), "out_of_range", "seq"),
        (json.dumps(audit_event(at="soon")), "bad_time", "at"),
        (json.dumps(audit_event(amount=1.5)), "wrong_type", "amount"),
        (json.dumps(audit_event(amount="1.5")), "wrong_type", "amount"),
        (json.dumps(audit_event(amount="9" * 30)), "wrong_type", "amount"),
    ],
)
def test_a_damaged_audit_event_is_quarantined_and_its_trace_is_kept(prepare, message, code, position):
    rows = prepare("cloudflare", "workers_trace_events", ndjson(trace("x", message), trace(json.dumps(audit_event()))))
    assert reasons(rows) == [(1, code)]
    [row] = rows["quarantine"]
    assert row["position"] == f"Logs[1].Message[0] {position}".strip()
    assert original(row) == message.encode()
    assert len(rows["cloudflare_worker_traces"]) == 2
    assert len(rows["platform_audit_events"]) == 1


def test_a_log_that_only_speaks_of_audits_is_no_audit_event(prepare):
    messages = (
        '{"wrapped": {"type": "audit"}}',
        'say {"type":"audit"}',
        json.dumps({"type": "auditor"}),
        {"type": "x"},
    )
    rows = prepare("cloudflare", "workers_trace_events", ndjson(trace(*messages)))
    assert list(rows) == ["cloudflare_worker_traces"]


def test_lower_case_copies_and_absent_fields(prepare):
    body = ndjson({"eventtimestampms": "1791158400123", "outcome": "ok"}, {"ScriptName": "api", "Logs": None})
    first, second = prepare("cloudflare", "workers_trace_events", body)["cloudflare_worker_traces"]
    assert (first["event_at"], first["outcome"], first["log_count"]) == ("2026-10-05T00:00:00.123000Z", "ok", 0)
    assert (second["event_at"], second["script_name"], second["_event_date"]) == (None, "api", None)


@pytest.mark.parametrize(
    ("bad", "code"),
    [({"a": 1}, "not_a_trace"), (trace(Logs="x"), "wrong_type"), (trace(CPUTimeMs="3 ms"), "wrong_type")],
)
def test_a_record_that_is_no_trace_is_quarantined(prepare, bad, code):
    rows = prepare("cloudflare", "workers_trace_events", ndjson(bad, trace()))
    assert reasons(rows) == [(1, code)]
    assert [row["_line"] for row in rows["cloudflare_worker_traces"]] == [2]


def test_the_documented_records_keep_their_19_digits(prepare, fixtures):
    body = (fixtures / "cloudflare/http_requests_docs_unixnano.ndjson").read_bytes()
    rows = prepare("cloudflare", "http_requests", body)["cloudflare_http_requests"]
    assert [row["edge_start_unixnano"] for row in rows] == [
        "1506702504433000200",
        "1506702504433000300",
        "1506702504433000400",
    ]
    assert [row["edge_start_at"] for row in rows] == ["2017-09-29T16:28:24.433000Z"] * 3
    assert "89.163.242" not in json.dumps(rows)


def test_cloudflares_schema_is_no_log_but_names_only_known_fields(prepare, fixtures):
    body = (fixtures / "cloudflare/http_requests_bigquery_schema.json").read_bytes()
    fields = json.loads(body)
    rows = prepare("cloudflare", "http_requests", body)
    assert reasons(rows) == [(number, "not_a_request") for number in range(1, len(fields) + 1)]
    for field in fields:
        rows = prepare("cloudflare", "http_requests", ndjson({field["name"]: None}))
        assert list(rows) == ["cloudflare_http_requests"], field["name"]
