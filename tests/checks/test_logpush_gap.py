"""The rule over minutes that Logpush didn't deliver."""

from __future__ import annotations

import pytest
from marts import MARTS
from tables import insert

from expectations.rules import load_rules
from expectations.run import evaluate

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

RULE = next(rule for rule in load_rules() if rule.name == "logpush_gap")
COVERAGE = {"coverage_date": "DATE", "dataset": "STRING", "object_uri": "STRING"}
SPAN = {"coverage_date": "2026-10-05", "dataset": "http_requests", "object_uri": "o"}


@pytest.fixture
def check(ops, fill, window, config, clock):
    """Evaluates the rule over gaps, where an object of the window was loaded; returns its result."""
    landed = {"uri": "o", "source": "cloudflare", "dataset": "http_requests", "state": "loaded", "rows_loaded": "1"}
    insert(ops, "ops.objects", [landed | {"window_start": str(window.start), "window_end": str(window.end)}])

    def run(*gaps: tuple[str, str, str, int], spans: int = 1):
        fill("intermediate.int_cloudflare__coverage", COVERAGE, [SPAN] * spans)
        rows = [
            {"gap_date": start[:10], "dataset": dataset, "gap_from": start, "gap_to": end, "minutes": str(minutes)}
            | {"events_seen": "0", "other_events_seen": "3"}
            for dataset, start, end, minutes in gaps
        ]
        fill(RULE.mart, MARTS[RULE.mart], rows)
        (result,) = evaluate([RULE], window, config, ops, "run-1", clock)
        return result

    return run


def test_no_gap_passes(check):
    assert check().outcome == "passed"


def test_without_the_coverage_of_what_was_loaded_nothing_is_judged(check):
    assert check(spans=0).outcome == "error"


def test_the_gaps_of_a_dataset_and_day_are_one_alert(check):
    result = check(
        ("http_requests", "2026-10-05T02:00:00Z", "2026-10-05T02:30:00Z", 30),
        ("http_requests", "2026-10-05T07:00:00Z", "2026-10-05T07:01:00Z", 1),
        ("workers_trace_events", "2026-10-05T07:00:00Z", "2026-10-05T07:12:00Z", 12),
    )
    assert {tuple(row.labels.values()): (row.figures["minutes"], row.figures["gaps"]) for row in result.rows} == {
        ("http_requests", "2026-10-05"): (31, 2),
        ("workers_trace_events", "2026-10-05"): (12, 1),
    }
    assert sorted(row.summary for row in result.rows) == [
        "Logpush delivered no http_requests for 31 minutes of 2026-10-05 (02:00 to 07:01 UTC, 2 gaps): "
        "6 events of that time came in other objects",
        "Logpush delivered no workers_trace_events for 12 minutes of 2026-10-05 (07:00 to 07:12 UTC): "
        "3 events of that time came in other objects",
    ]


def test_a_gap_outside_the_days_looked_back_stays_with_the_run_of_its_day(check):
    assert check(("http_requests", "2026-09-20T02:00:00Z", "2026-09-20T02:30:00Z", 30)).outcome == "passed"
