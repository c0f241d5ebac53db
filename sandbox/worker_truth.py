"""Ground truth of what the Workers' lines and runs come to, per span of so many milliseconds.

Percentiles are by nearest rank: the smallest value that so many of all values don't exceed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sandbox.audit_log import from_ms, iso_ms, to_ms
from sandbox.worker_life import Life, Line

FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Figures = dict[str, Any]


def worker_truth(life: Life, span_ms: int = HOUR_MS) -> dict[str, dict[str, Any]]:
    """{"2026-10-05T13:00:00Z": {"M10": {queue: ...}, "M11": {"": ...}, "M12": {"": ...},
    "M14": {"service method endpoint": ...}, "M15": {service: ...}}, ...} under the names that the marts give.

    Spans and metrics without anything are absent. Spans below an hour have M10 and M14 only.
    """
    spans: dict[str, dict[str, Any]] = defaultdict(dict)
    runs = _failed_runs(life.lines)
    for span, lines in by(life.lines, lambda line: named(line.at_ms, span_ms)).items():
        kinds, figures = by(lines, lambda line: line.kind), spans[span]
        if "queue_depth" in kinds:
            queues = by(kinds["queue_depth"], lambda line: line.fields["queue"])
            figures["M10"] = {queue: _depth(said) for queue, said in queues.items()}
        if "api_request" in kinds:
            figures["M14"] = {
                endpoint: _requests(said, runs, span_ms)
                for endpoint, said in by(kinds["api_request"], _endpoint).items()
            }
        if "ledger_write" in kinds and span_ms == HOUR_MS:
            figures["M11"] = {"": _bookings(kinds["ledger_write"])}
        if "webhook" in kinds and span_ms == HOUR_MS:
            figures["M12"] = {"": _webhooks(kinds["webhook"])}
    if span_ms == HOUR_MS:
        _services(life, spans)
    return dict(sorted(spans.items()))


def percentile(values: Sequence[int], share: int) -> int:
    """Nearest rank: `share` per cent of the values don't exceed it."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100), 1) - 1]


def _depth(said: Sequence[Line]) -> Figures:
    depths = [line.fields["depth"] for line in said]
    return {
        "mean_depth_numerator": sum(depths),
        "mean_depth_denominator": len(depths),
        "depth_p95": percentile(depths, 95),
        "depth_max": max(depths),
        "oldest_max_ms": max(line.fields["oldest_ms"] for line in said),
        "as_of_time": _last(said),
    }


def _bookings(said: Sequence[Line]) -> Figures:
    lags = [line.at_ms - _ms(line.fields["finalized_at"]) for line in said]
    return {
        "writes": len(lags),
        "ledger_lag_sum_ms": sum(lags),
        "ledger_lag_p50_ms": percentile(lags, 50),
        "ledger_lag_p95_ms": percentile(lags, 95),
        "ledger_lag_max_ms": max(lags),
        "as_of_time": _last(said),
    }


def _webhooks(said: Sequence[Line]) -> Figures:
    latencies = [line.at_ms - line.fields["created_at"] * 1000 for line in said if line.fields["outcome"] == "handled"]
    failures = len(said) - len(latencies)
    return {
        "deliveries": len(said),
        "handled": len(latencies),
        "failures": failures,
        "retries": sum(line.fields["attempt"] > 1 for line in said),
        "failure_rate_numerator": failures,
        "failure_rate_denominator": len(said),
        "latency_sum_ms": sum(latencies) if latencies else None,
        **{f"latency_p{share}_ms": percentile(latencies, share) if latencies else None for share in (50, 95, 99)},
        "latency_max_ms": max(latencies, default=None),
        "as_of_time": _last(said),
    }


def _requests(said: Sequence[Line], runs: dict[int, int], span_ms: int) -> Figures:
    durations = [line.fields["duration_ms"] for line in said]
    failed = sum(map(has_failed, said))
    up = {line.at_ms // FIVE_MINUTES_MS for line in said if not has_failed(line)}
    return {
        "requests": len(said),
        "requests_per_minute_numerator": len(said),
        "requests_per_minute_denominator": span_ms // 60_000,
        "client_errors": sum(400 <= line.fields["status"] < 500 for line in said),
        "server_errors": failed,
        "error_rate_numerator": failed,
        "error_rate_denominator": len(said),
        "duration_sum_ms": sum(durations),
        **{f"duration_p{share}_ms": percentile(durations, share) for share in (50, 95, 99)},
        "duration_max_ms": max(durations),
        "failed_run_max": max(runs[id(line)] for line in said),
        "failed_run_at_end": runs[id(max(said, key=_order))],
        "uptime_numerator": len(up),
        "uptime_denominator": len({line.at_ms // FIVE_MINUTES_MS for line in said}),
        "as_of_time": _last(said),
    }


def has_failed(line: Line) -> bool:
    """Whether a request was answered with 500 or more."""
    return line.fields["status"] >= 500


def _failed_runs(lines: Iterable[Line]) -> dict[int, int]:
    """Line -> requests to its endpoint that failed one after the other up to it, since the start of the day before."""
    runs: dict[int, int] = {}
    requests = [line for line in lines if line.kind == "api_request"]
    for said in by(requests, _endpoint).values():
        failed_at: list[int] = []
        for line in sorted(said, key=_order):
            failed_at = [*failed_at, line.at_ms] if has_failed(line) else []
            since = line.at_ms // DAY_MS * DAY_MS - DAY_MS
            runs[id(line)] = sum(at_ms >= since for at_ms in failed_at)
    return runs


def _order(line: Line) -> tuple[int, bool]:
    return line.at_ms, has_failed(line)


def _endpoint(line: Line) -> str:
    return f"{line.service} {line.fields['method']} {line.fields['endpoint']}"


def _services(life: Life, spans: dict[str, dict[str, Any]]) -> None:
    """M15 by service: its runs and what their log says, and the lines that name it."""
    runs = by((call for call in life.calls if call.worker), lambda call: (named(call.at_ms), call.script))
    said = by(
        (line for line in life.lines if line.kind in ("error", "slow_query")),
        lambda line: (named(line.at_ms), line.service),
    )
    for span, service in {**runs, **said}:
        calls, lines = runs.get((span, service), []), said.get((span, service), [])
        levels = [log.level for call in calls for log in call.logs]
        slow = [line.fields["duration_ms"] for line in lines if line.kind == "slow_query"]
        failed = sum(call.exception is not None for call in calls)
        spans[span].setdefault("M15", {})[service] = {
            "invocations": len(calls),
            "exceptions": failed,
            "exception_rate_numerator": failed,
            "exception_rate_denominator": len(calls),
            "error_lines": levels.count("error"),
            "warning_lines": levels.count("warn"),
            "errors": sum(line.kind == "error" for line in lines),
            "slow_queries": len(slow),
            "slowest_query_ms": max(slow, default=None),
            "as_of_time": iso_ms(from_ms(max(item.at_ms for item in (*calls, *lines)))),
        }


def named(at_ms: int, span_ms: int = HOUR_MS) -> str:
    """Start of the span that a time lies in, as `2026-10-05T13:00:00Z`."""
    return iso_ms(from_ms(at_ms - at_ms % span_ms)).replace(".000", "")


def _ms(stated: str) -> int:
    return to_ms(datetime.fromisoformat(stated))


def _last(said: Iterable[Line]) -> str:
    return iso_ms(from_ms(max(line.at_ms for line in said)))


def by(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items grouped by a key."""
    found: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found
