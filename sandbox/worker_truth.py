"""Ground truth of what the Workers' lines and the edge's requests come to, an hour at a time.

Percentiles are by nearest rank: the smallest value that so many of all values don't exceed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from sandbox.audit_log import from_ms, iso_ms
from sandbox.traffic import ApiCall
from sandbox.worker_life import Life, Line

HOUR_MS = 3_600_000
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def worker_truth(life: Life) -> dict[str, Any]:
    """{"2026-10-05T13:00:00Z": {"M10": {queue: ...}, "M11": ..., "M12": {provider: ...}, "M14": {"POST /x": ...},
    "M15": {service: ...}, "edge": ...}, ...}: hours and metrics without anything are absent.
    """
    hours: dict[str, dict[str, Any]] = defaultdict(dict)
    for hour, lines in _by(life.lines, lambda line: _hour(line.at_ms)).items():
        kinds = _by(lines, lambda line: line.kind)
        figures = hours[hour]
        if "queue_depth" in kinds:
            queues = _by(kinds["queue_depth"], lambda line: line.fields["queue"])
            figures["M10"] = {queue: _depth(said) for queue, said in queues.items()}
        if "ledger_write" in kinds:
            figures["M11"] = {"writes": len(kinds["ledger_write"])}
        if "webhook" in kinds:
            providers = _by(kinds["webhook"], lambda line: line.fields["provider"])
            figures["M12"] = {provider: _webhooks(said) for provider, said in providers.items()}
        if "api_request" in kinds:
            endpoints = _by(kinds["api_request"], lambda line: f"{line.fields['method']} {line.fields['endpoint']}")
            figures["M14"] = {endpoint: _requests(said) for endpoint, said in endpoints.items()}
    for hour, calls in _by(life.calls, lambda call: _hour(call.at_ms)).items():
        hours[hour]["edge"] = _edge([call for call in calls if call.is_request])
    _services(life, hours)
    return dict(sorted(hours.items()))


def percentile(values: Sequence[int], share: int) -> int:
    """Nearest rank: `share` per cent of the values don't exceed it."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100), 1) - 1]


def _depth(said: Sequence[Line]) -> dict[str, int]:
    depths = [line.fields["depth"] for line in said]
    return {"samples": len(depths), "sum": sum(depths), "p95": percentile(depths, 95), "max": max(depths)}


def _webhooks(said: Sequence[Line]) -> dict[str, int]:
    handled = [line for line in said if line.fields["outcome"] == "handled"]
    return {
        "deliveries": len(said),
        "failures": len(said) - len(handled),
        "retries": sum(line.fields["attempt"] > 1 for line in said),
        "latency_sum_ms": sum(line.at_ms - line.fields["created_at"] * 1000 for line in handled),
    }


def _requests(said: Sequence[Line]) -> dict[str, int]:
    durations = [line.fields["duration_ms"] for line in said]
    return {
        "requests": len(said),
        "server_errors": sum(line.fields["status"] >= 500 for line in said),
        "client_errors": sum(400 <= line.fields["status"] < 500 for line in said),
        "duration_sum_ms": sum(durations),
        **{f"p{share}_ms": percentile(durations, share) for share in (50, 95, 99)},
        "max_ms": max(durations),
    }


def _edge(calls: Sequence[ApiCall]) -> dict[str, int]:
    return {
        "requests": len(calls),
        "cache_hits": sum(not call.worker and call.status in (200, 304) for call in calls),
        "server_errors": sum(call.status >= 500 for call in calls),
    }


def _services(life: Life, hours: dict[str, dict[str, Any]]) -> None:
    """M15 by service: what its lines say, and its runs that ended in an exception."""

    def count(at_ms: int, service: str, what: str) -> None:
        figures = hours[_hour(at_ms)].setdefault("M15", {})
        figures.setdefault(service, {"errors": 0, "exceptions": 0, "slow_queries": 0})[what] += 1

    for line in life.lines:
        if line.kind in ("error", "slow_query"):
            count(line.at_ms, line.service, "errors" if line.kind == "error" else "slow_queries")
    for call in life.calls:
        if call.worker and call.exception:
            count(call.at_ms, call.script, "exceptions")


def _hour(at_ms: int) -> str:
    return iso_ms(from_ms(at_ms - at_ms % HOUR_MS)).replace(".000", "")


def _by(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    found: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found
