"""Structured log lines of Workers -> raw.worker_logs; the examples are those of docs/worker_logs.md."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from tests.sources.conftest import original, reasons
from warehouse.worker_logs import KINDS, WorkerLogs

ROOT = Path(__file__).parents[2]
DATASET = ("cloudflare", "workers_trace_events")
LINES: dict[str, dict[str, Any]] = {
    "api_request": {"endpoint": "/api/users/u0001/join?x=1", "method": "POST", "status": "200", "duration_ms": 41.5},
    "queue_depth": {"queue": "matchmaking:paid", "depth": 0, "oldest_ms": 900},
    "webhook": {
        "provider": "stripe",
        "event_id": "evt_1",
        "event_type": "charge.succeeded",
        "created_at": 1791158000,
        "outcome": "failed",
        "error": "lock of jane@example.org",
    },
    "slow_query": {"query": "matches_by_status", "duration_ms": 1001, "row_count": 7, "service": "ledger"},
    "error": {"error": "RpcTimeout"},
    "ledger_write": {"signature": "5sig", "slot": 300000001, "finalized_at": "2026-10-05T23:59:40.5Z"},
    "confirmation": {"signature": "6sig", "submitted_at": 1791244770.25, "finalized_at": "2026-10-05T23:59:45Z"},
}


def line(kind: str, **changes: Any) -> dict[str, Any]:
    return {"type": kind, "at": "2026-10-05T23:59:59.999Z", **LINES[kind], **changes}


def body(*messages: Any, **changes: Any) -> bytes:
    """One trace a day later than its lines, with a log entry a message."""
    logs = [{"Level": "log", "Message": ["first", message], "TimestampMs": 1} for message in messages]
    return json.dumps({"EventTimestampMs": 1791244800100, "ScriptName": "api", "Logs": logs} | changes).encode() + b"\n"


def test_each_kind_is_a_row_on_its_own_day(prepare, user):
    found = prepare(*DATASET, body(*(json.dumps(line(kind)) for kind in LINES)))
    rows = {row.pop("kind"): row for row in found["worker_logs"]}
    assert list(rows) == list(KINDS)
    nothing = dict.fromkeys(rows["error"])
    for place, (kind, row) in enumerate(rows.items()):
        record = json.loads(row.pop("record"))
        assert (record["type"], record["at"]) == (kind, "2026-10-05T23:59:59.999Z")
        assert row.pop("position") == f"Logs[{place}].Message[1]"
    nothing = {name: None for name in nothing if name not in ("record", "position")}
    common = nothing | {"at": "2026-10-05T23:59:59.999000Z", "service": "api", "_line": 1, "_event_date": "2026-10-05"}
    assert rows == {
        "api_request": common
        | {"endpoint": f"/api/users/{user('u0001')}/join", "method": "POST", "status": 200, "duration_ms": 42},
        "queue_depth": common | {"queue": "matchmaking:paid", "depth": 0, "oldest_ms": 900},
        "webhook": common
        | {"provider": "stripe", "event_id": "evt_1", "event_type": "charge.succeeded", "outcome": "failed"}
        | {"created_at": "2026-10-04T23:53:20Z", "attempt": 1, "error": "lock of [email]"},
        "slow_query": common
        | {"query": "matches_by_status", "duration_ms": 1001, "row_count": 7, "service": "ledger"},
        "error": common | {"error": "RpcTimeout"},
        "ledger_write": common
        | {"signature": "5sig", "slot": 300000001, "finalized_at": "2026-10-05T23:59:40.500000Z"},
        "confirmation": common
        | {"signature": "6sig", "submitted_at": "2026-10-05T23:59:30.250000Z", "outcome": "finalized"}
        | {"finalized_at": "2026-10-05T23:59:45Z"},
    }  # fmt: skip
    assert [row["_event_date"] for row in found["cloudflare_worker_traces"]] == ["2026-10-06"]


def test_an_object_and_its_text_are_the_same_line(prepare):
    event = line("queue_depth")
    objects, texts = (prepare(*DATASET, body(message))["worker_logs"] for message in (event, json.dumps(event)))
    assert objects == texts


def test_a_transaction_that_expired_has_no_time_of_finality(prepare):
    [row] = prepare(*DATASET, body(line("confirmation", finalized_at=None, outcome="expired")))["worker_logs"]
    assert (row["outcome"], row["finalized_at"]) == ("expired", None)


def test_other_lines_stay_in_the_record(prepare, user):
    messages = ('{"type": "other", "uid": "u0001"}', {"type": 7}, '["api_request"]', 'say {"type":"error"}', 5, None)
    found = prepare(*DATASET, body(*messages))
    assert list(found) == ["cloudflare_worker_traces"]
    [row] = found["cloudflare_worker_traces"]
    kept = [log["Message"][1] for log in json.loads(row["record"])["Logs"]]
    assert kept == [json.dumps({"type": "other", "uid": user("u0001")}, separators=(",", ":")), *messages[1:]]


@pytest.mark.parametrize(
    ("message", "code", "position"),
    [
        (json.dumps(line("error"))[:-1], "bad_worker_log", ""),
        *(
            (json.dumps({key: value for key, value in line(kind).items() if key != name}), "missing_field", name)
            for kind, fields in KINDS.items()
            for name in ("at", *(name for name, field in fields.items() if field.required))
        ),
        (json.dumps(line("api_request", status="OK")), "wrong_type", "status"),
        (json.dumps(line("api_request", status=20)), "out_of_range", "status"),
        (json.dumps(line("api_request", duration_ms=-1)), "out_of_range", "duration_ms"),
        (json.dumps(line("api_request", duration_ms=True)), "wrong_type", "duration_ms"),
        (json.dumps(line("queue_depth", depth=1.5)), "wrong_type", "depth"),
        (json.dumps(line("webhook", outcome="ok")), "unknown_value", "outcome"),
        (json.dumps(line("webhook", attempt=0)), "out_of_range", "attempt"),
        (json.dumps(line("webhook", created_at="soon")), "bad_time", "created_at"),
        (json.dumps(line("error", at="2026-13-01")), "bad_time", "at"),
        (json.dumps(line("confirmation", finalized_at=None)), "missing_field", "finalized_at"),
        (json.dumps(line("confirmation", outcome="lost")), "unknown_value", "outcome"),
    ],
)
def test_a_damaged_line_is_quarantined_and_its_trace_and_neighbours_are_kept(prepare, message, code, position):
    found = prepare(*DATASET, body("x", message, line("error")))
    assert reasons(found) == [(1, code)]
    [bad] = found["quarantine"]
    assert (original(bad), bad["position"]) == (message.encode(), f"Logs[1].Message[1] {position}".strip())
    assert len(found["cloudflare_worker_traces"]) == len(found["worker_logs"]) == 1


def test_errors_and_warnings_are_counted_by_level(prepare):
    logs = [{"Level": level, "Message": ["m"]} for level in ("error", "warn", "error", "log", None)]
    [row] = prepare(*DATASET, body(Logs=logs))["cloudflare_worker_traces"]
    assert (row["log_count"], row["error_log_count"], row["warning_log_count"]) == (5, 2, 1)


def test_another_platforms_names_are_mapped_by_its_profile(prepare, pure):
    [example] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/worker_logs.md").read_text(), re.DOTALL)
    logs = WorkerLogs.model_validate(yaml.safe_load(example)["worker_logs"])
    ctx = dataclasses.replace(pure, profile=pure.profile.model_copy(update={"worker_logs": logs}))
    request = {"event": "http", "ts": 1791158400, "route": "/a", "method": "GET", "status": 404, "timing": {"total": 3}}
    webhook = line("webhook", outcome="ok") | {"event": "webhook"}
    rows = prepare(*DATASET, body(request, json.dumps(webhook), line("error")), ctx=ctx)["worker_logs"]
    assert [(row["kind"], row["at"], row["endpoint"], row["duration_ms"], row["outcome"]) for row in rows] == [
        ("api_request", "2026-10-05T00:00:00Z", "/a", 3, None),
        ("webhook", "2026-10-05T23:59:59.999000Z", None, None, "handled"),
    ]


@pytest.mark.parametrize(
    "wrong", [{"kinds": {"http": {}}}, {"kinds": {"error": {"fields": {"status": "x"}}}}, {"types": {}}]
)
def test_a_wrong_mapping_is_refused(wrong):
    with pytest.raises(ValidationError, match=r"no kind|no field|extra"):
        WorkerLogs.model_validate(wrong)


def test_the_documentation_names_every_kind_and_field():
    text = (ROOT / "docs/worker_logs.md").read_text()
    for kind, fields in KINDS.items():
        [row] = re.findall(rf"^\| `{kind}` \|.*$", text, re.MULTILINE)
        named = set(re.findall(r"`(\w+)`", row))
        named -= {"handled", "failed", "finalized", "expired"} | ({kind} - set(fields))
        assert named == set(fields)
