"""Inputs of M10, M11, M12, M14 and M15, hour by hour, against what the simulated platform's Workers really did."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("flow")
Hours = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def truth(home, clean) -> Hours:
    return json.loads((home / "sandbox" / "truth.json").read_text())["hours"]


@pytest.fixture(scope="module")
def held(clean):
    """held(model): its rows, figures as integers."""

    def read(model: str) -> list[dict[str, str]]:
        return [dict(ast.literal_eval(row)) for row in clean["tables"][f"intermediate.{model}"]]

    return read


def hour(row: dict[str, str], column: str) -> str:
    """The hour that a time lies in, as the truth names it."""
    return f"{row[column][:13].replace(' ', 'T')}:00:00Z"


def figures(row: dict[str, str], names: Iterable[str]) -> dict[str, int]:
    return {name: int(row[name]) for name in names}


def only(truth: Hours, metric: str) -> Hours:
    """One metric of the hours that have it."""
    return {name: told[metric] for name, told in truth.items() if told.get(metric)}


def test_queue_depth(held, truth):
    found: Hours = defaultdict(dict)
    names = {"samples": "samples", "sum": "depth_sum", "p95": "depth_p95", "max": "depth_max"}
    for row in held("int_queue__depth_hourly"):
        told = {name: int(row[column]) for name, column in names.items()}
        found[hour(row, "bucket_start")][row["queue"]] = told
    assert found == only(truth, "M10")
    assert sum(int(row["samples"]) for row in held("int_queue__depth_5min")) == sum(
        queue["samples"] for told in found.values() for queue in told.values()
    )


def test_bookings(held, truth):
    found: Hours = defaultdict(lambda: {"writes": 0})
    for row in held("int_service__ledger_writes"):
        found[hour(row, "hour_start")]["writes"] += 1
        assert 300 <= int(row["lag_ms"]) <= 28_000  # booked 13 to 40 s after the block, final after 12 to 12.7 s
    assert found == only(truth, "M11")


def test_webhooks(held, truth):
    found: Hours = defaultdict(
        lambda: {"stripe": dict.fromkeys(("deliveries", "failures", "retries", "latency_sum_ms"), 0)}
    )
    for row in held("int_stripe__webhook_deliveries"):
        told, handled = found[hour(row, "hour_start")]["stripe"], row["is_handled"] == "True"
        told["deliveries"] += 1
        told["failures"] += not handled
        told["retries"] += row["is_retry"] == "True"
        told["latency_sum_ms"] += int(row["latency_ms"]) if handled else 0
    assert found == only(truth, "M12")
    assert sum(told["stripe"]["failures"] for told in found.values()) > 3


def test_api_requests(held, truth):
    names = {
        "requests": "requests",
        "server_errors": "server_errors",
        "client_errors": "client_errors",
        "duration_sum_ms": "duration_sum_ms",
        "p50_ms": "duration_p50_ms",
        "p95_ms": "duration_p95_ms",
        "p99_ms": "duration_p99_ms",
        "max_ms": "duration_max_ms",
    }
    found: Hours = defaultdict(dict)
    for row in held("int_api__requests_hourly"):
        told = {name: int(row[column]) for name, column in names.items()}
        found[hour(row, "bucket_start")][f"{row['method']} {row['endpoint']}"] = told
    assert found == only(truth, "M14")
    additive = ("requests", "server_errors", "client_errors", "duration_sum_ms")
    parts: Hours = defaultdict(lambda: dict.fromkeys(additive, 0))
    for row in held("int_api__requests_5min"):
        for name, value in figures(row, additive).items():
            parts[f"{hour(row, 'bucket_start')} {row['method']} {row['endpoint']}"][name] += value
    assert parts == {
        f"{name} {endpoint}": {key: told[key] for key in additive}
        for name, endpoints in found.items()
        for endpoint, told in endpoints.items()
    }


def test_edge_requests(held, truth):
    names = ("requests", "cache_hits", "server_errors")
    found: Hours = defaultdict(lambda: dict.fromkeys(names, 0))
    for row in held("int_api__edge_requests_5min"):
        for name, value in figures(row, names).items():
            found[hour(row, "bucket_start")][name] += value
        assert row["estimated_requests"] == row["requests"]
    assert found == only(truth, "edge")


def test_service_logs(held, truth):
    names = ("errors", "exceptions", "slow_queries")
    found: Hours = defaultdict(dict)
    for row in held("int_service__logs_hourly"):
        told = figures(row, names)
        if any(told.values()):
            found[hour(row, "hour_start")][row["service"]] = told
    assert found == only(truth, "M15")
    assert sum(told["slow_queries"] for services in found.values() for told in services.values()) > 20
