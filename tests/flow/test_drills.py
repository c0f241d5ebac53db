"""Drills: how an exercise is judged, and the page of its evidence; the whole drill with CAMPAIGN=1 or `make drill`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_harness import ROOT, environment

from drills.cycles import Left, Verified, commands_of
from drills.exercises import CYCLES, EXERCISES, Cycle, Exercise
from drills.judge import judge, others
from drills.receivers import Receipt
from drills.report import evidence, render
from drills.settings import CHANGED, changed
from expectations.rules import RUNBOOKS, load_rules
from sandbox.app import FAULTS

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EXERCISE = Exercise(
    "down", "Down", "It is taken down.", "api_down", ("pager", "chat"), 1, 2, ("api-latency.md",), {"endpoint": "/x"},
    ("marts.t",),
)  # fmt: skip


PAGER = ["pager heard within cycle 1", "pager heard that it is over"]
NONE, LATE = ["alert api_down in cycle 1"], ["pager heard within cycle 1"]
REPLAY = ["what waited during the outage is read after it (marts.t)"]


def minute(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def alert(state: str, **more: Any) -> dict[str, Any]:
    row = {
        "alert_key": "k1", "rule": "api_down", "severity": "critical", "labels": {"endpoint": "/x", "zone": "eu"},
        "summary": "/x fails <b>", "runbook": "api-latency.md", "state": state, "opened_at": minute(2),
        "resolved_at": minute(12) if state == "resolved" else None, "thread": "t1",
    }  # fmt: skip
    return row | more


def told(channel: str, kind: str, at: float | None, instead_of: str | None = None) -> dict[str, Any]:
    return {
        "channel": channel, "kind": kind, "state": "sent" if at is not None else "failed", "queued_at": minute(2),
        "sent_at": None if at is None else minute(at), "attempts": 1, "instead_of": instead_of, "dedup_key": "t1",
    }  # fmt: skip


def left(number: int, alerts: list, notifications: list, rows: int, refusing: tuple[str, ...] = ()) -> Left:
    cycle = Cycle("2026-10-05T00:00:00Z", "2026-10-07T00:00:00Z", ("f",) if number == 1 else (), refusing)
    start = (number - 1) * 10
    return Left(number, cycle, minute(start), minute(start + 9), 0, alerts, notifications, {"marts.t": rows})


SENT = [
    told("pager", "firing", 3),
    told("chat", "firing", 3),
    told("pager", "resolved", 13),
    told("chat", "resolved", 13),
]
GOOD = [left(1, [alert("firing")], SENT[:2], 4), left(2, [alert("resolved")], SENT, 7)]
ARRIVED = [
    Receipt("pager", minute(3), '{"dedup_key": "t1"}', 202),
    Receipt("chat", minute(3), '{"text": "runbooks/api-latency.md"}', 200),
    Receipt("pager", minute(13), '{"dedup_key": "t1", "event_action": "resolve"}', 202),
    Receipt("chat", minute(13), '{"text": "Resolved, runbooks/api-latency.md"}', 200),
]
VERIFIED = [Verified("api-latency.md", "python -m x", 0, "fine"), Verified("other.md", "python -m y", 1, "not ours")]


def failing(cycles=GOOD, receipts=ARRIVED, verified=VERIFIED) -> list[str]:
    """What doesn't hold."""
    return [check.what for check in judge(EXERCISE, cycles, receipts, verified).checks if not check.holds]


def test_an_exercise_passes_when_everything_holds():
    judged = judge(EXERCISE, GOOD, ARRIVED, VERIFIED)
    assert judged.passed
    assert [(check.what, check.shown) for check in judged.checks] == [
        ("alert api_down within one cycle", "opened 12:02:00 UTC"),
        ("pager heard within cycle 1", "sent 12:03:00 UTC"),
        ("chat heard within cycle 1", "sent 12:03:00 UTC"),
        ("resolved by the end of cycle 2", "resolved 12:12:00 UTC"),
        ("pager heard that it is over", "sent 12:13:00 UTC"),
        ("chat heard that it is over", "sent 12:13:00 UTC"),
        ("what waited during the outage is read after it (marts.t)", "4 rows, 7 rows"),
        ("verification: python -m x", "ended 0"),
    ]


def with_first(**changes: Any) -> list[Left]:
    return [replace(GOOD[0], **changes), GOOD[1]]


def with_second(**changes: Any) -> list[Left]:
    return [GOOD[0], replace(GOOD[1], **changes)]


@pytest.mark.parametrize(
    ("cycles", "receipts", "verified", "what"),
    [
        (with_first(alerts=[]), ARRIVED, VERIFIED, NONE),
        (with_first(alerts=[alert("firing", labels={"endpoint": "/y"})]), ARRIVED, VERIFIED, NONE),
        (with_first(alerts=[alert("firing", opened_at=minute(-1))]), ARRIVED, VERIFIED, NONE),
        (with_second(notifications=[told("pager", "firing", 15), *SENT[1:]]), ARRIVED, VERIFIED, LATE),
        (GOOD, ARRIVED[1:2] + ARRIVED[3:], VERIFIED, ["pager heard within cycle 1", "pager heard that it is over"]),
        (GOOD, [replace(ARRIVED[0], status=503), *ARRIVED[1:]], VERIFIED, LATE),
        (GOOD, [replace(item, status=503) for item in ARRIVED[:1]] + ARRIVED[1:2] + ARRIVED[3:], VERIFIED, PAGER),
        (GOOD, ARRIVED[:3], VERIFIED, ["chat heard that it is over"]),
        (with_second(alerts=[alert("firing")]), ARRIVED, VERIFIED, ["resolved by the end of cycle 2"]),
        (with_second(rows={"marts.t": 4}), ARRIVED, VERIFIED, REPLAY),
        (GOOD, ARRIVED, [replace(VERIFIED[0], exit_code=1)], ["verification: python -m x"]),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(cycles, receipts, verified, what):
    assert failing(cycles, receipts, verified) == what


def test_a_channel_that_refuses_hears_later_and_another_stands_in():
    late = [told("pager", "firing", 15), told("chat", "firing", 3, "pager"), *SENT[1:]]
    first = replace(GOOD[0], cycle=replace(GOOD[0].cycle, refusing=("pager",)))
    cycles = [first, replace(GOOD[1], notifications=late)]
    receipts = [
        Receipt("pager", minute(3), '{"dedup_key": "t1"}', 503),
        replace(ARRIVED[0], at=minute(15)),
        *ARRIVED[1:],
    ]
    assert failing(cycles, receipts) == []
    assert failing([first, replace(GOOD[1], notifications=[late[0], *SENT[1:]])], receipts) == [
        "another channel stood in for pager within cycle 1"
    ]


def test_the_page_shows_what_failed_and_says_so():
    cycles = with_second(alerts=[alert("firing"), alert("firing", rule="other", labels={})])
    judged = [judge(EXERCISE, cycles, ARRIVED, VERIFIED)]
    document = evidence(judged, cycles, ARRIVED, others([EXERCISE], cycles))
    assert document == json.loads(json.dumps(document))
    assert (document["passed"], [row["rule"] for row in document["others"]]) == (0, ["other"])
    assert document["cycles"][0]["requests"] == {
        "chat": {"taken": 1, "refused": 0},
        "pager": {"taken": 1, "refused": 0},
    }
    page = render(document)
    assert page == render(document)
    assert "Not every exercise passed" in page
    assert "/x fails &lt;b&gt;" in page
    assert page.count('<span class="badge critical">fails</span>') == 1
    assert "http" not in page.replace("http-equiv", "")
    passed = evidence([judge(EXERCISE, GOOD, ARRIVED, VERIFIED)], GOOD, ARRIVED, [])
    assert "Every exercise passed" in render(passed)


def test_every_exercise_names_what_is_there():
    rules = {rule.name: rule for rule in load_rules()}
    assert {fault for cycle in CYCLES for fault in cycle.faults} <= set(FAULTS)
    assert CYCLES[-1].faults == ()
    for exercise in EXERCISES:
        assert set(exercise.labels) <= set(rules[exercise.rule].labels), exercise.name
        assert 1 <= exercise.raised < exercise.gone <= len(CYCLES), exercise.name
        assert all((RUNBOOKS / name).is_file() and commands_of(name) for name in exercise.runbooks), exercise.name


def test_the_drill_changes_channels_routes_and_its_thresholds_only():
    document = {
        "project": "p", "channels": [{"name": "local"}], "thresholds": {"late_windows": 1, "kept": 2},
        "alerting": {"outbox": {"attempts": 3}, "limit_an_hour": 50},
    }  # fmt: skip
    made = changed(document, "http://127.0.0.1:1")
    assert made["thresholds"] == {**CHANGED, "kept": 2}
    assert set(CHANGED) == {"late_windows", "chargeback_disputes", "withdrawal_floor_amounts"}
    assert [channel["name"] for channel in made["channels"]] == ["local", "pager", "chat", "hook"]
    assert (made["alerting"]["limit_an_hour"], made["project"]) == (50, "p")


@pytest.mark.skipif(os.environ.get("CAMPAIGN") != "1", reason="four whole runs; make drill, or CAMPAIGN=1")
def test_every_exercise_passes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "drills", "run", "--home", str(tmp_path / "drill")],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((Path(tmp_path) / "drill" / "drill.json").read_text())
    assert document["passed"] == len(EXERCISES)
