"""M9 of the warehouse against the calls that it recorded, counted here by other means: in Python, call by call.

Nobody but the caller knows its clock and its latencies, so the record of the calls is the truth of their figures; that
the record is right is tested with servers that count for themselves (tests/solana).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flow_harness import rows
from google.cloud import bigquery

from sandbox.worker_truth import percentile

HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)
Calls = list[dict[str, Any]]
Cells = dict[tuple[datetime, str], dict[str, int | None]]


def differences(client: bigquery.Client) -> list[str]:
    """A line for each bucket of a provider that isn't what its calls come to."""
    calls: dict[str, dict[str, Any]] = {}
    for row in rows(client, "select * from raw.rpc_calls"):
        calls[row["call_id"]] = row
    made = sorted(calls.values(), key=lambda call: (call["called_at"], call["call_id"]))
    assert len(made) > 20
    found = []
    for mart, bucket, span in (
        ("rpc_providers_5min", "bucket_start", FIVE_MINUTES),
        ("rpc_providers_hourly", "hour_start", HOUR),
    ):
        told = _figures(made, span)
        if span == HOUR:
            _add_outages(told, made)
        names = {name for figures in told.values() for name in figures}
        held = {
            (row[bucket], row["provider"]): {name: row[name] for name in names}
            for row in rows(client, f"select * from marts.{mart}")
        }
        found += [
            f"{mart} {key}: {held.get(key)}, not {told.get(key)}"
            for key in sorted(told.keys() | held.keys())
            if told.get(key) != held.get(key)
        ]
    return found


def _figures(made: Calls, span: timedelta) -> Cells:
    buckets: dict[tuple[datetime, str], Calls] = defaultdict(list)
    for call in made:
        buckets[_start(call["called_at"], span), call["provider"]].append(call)
    return {key: _of_bucket(calls, made) for key, calls in buckets.items()}


def _of_bucket(calls: Calls, made: Calls) -> dict[str, int | None]:
    latencies = [call["latency_ms"] for call in calls]
    failures = sum(_failed(call) for call in calls)
    lags = [_lag(call, made) for call in calls if call["method"] == "getSlot" and call["slot"] is not None]
    return {
        "calls": len(calls),
        "failures": failures,
        "failure_rate_numerator": failures,
        "failure_rate_denominator": len(calls),
        **{f"latency_p{share}_ms": percentile(latencies, share) for share in (50, 95, 99)},
        "latency_max_ms": max(latencies),
        "slot_lag_max": max(lags, default=None),
        "slot_lag_samples": len(lags),
        "failovers": sum(call["failover_from"] is not None and not _failed(call) for call in calls),
    }


def _lag(call: dict[str, Any], made: Calls) -> int:
    """Slots behind the newest one named on that day from ten seconds before the call to one after it."""
    first, last = call["called_at"] - timedelta(seconds=10), call["called_at"] + timedelta(seconds=1)
    near = [
        other["slot"]
        for other in made
        if first <= other["called_at"] <= last
        and other["slot"] is not None
        and other["called_at"].date() == call["called_at"].date()
    ]
    return max(near) - call["slot"]


def _add_outages(told: Cells, made: Calls) -> None:
    """Outages as intervals, cut at the hours."""
    nothing = {name: 0 for figures in told.values() for name in figures}
    nothing |= {name: None for name in nothing if name.startswith("latency_") or name == "slot_lag_max"}
    for figures in told.values():
        figures |= {"outages_started": 0, "outage_ms": 0}
    micros: dict[tuple[datetime, str], int] = defaultdict(int)
    for provider in {call["provider"] for call in made}:
        for begin, end in _outages([call for call in made if call["provider"] == provider]):
            hour = _start(begin, HOUR)
            while hour <= end:
                cell = told.setdefault((hour, provider), nothing | {"outages_started": 0, "outage_ms": 0})
                cell["outages_started"] += hour <= begin
                inside = min(end, hour + HOUR) - max(begin, hour)
                micros[hour, provider] += inside // timedelta(microseconds=1)
                hour += HOUR
    for key, total in micros.items():
        told[key]["outage_ms"] = total // 1000


def _outages(made: Calls) -> Sequence[tuple[datetime, datetime]]:
    found, begin, last = [], None, None
    for call in made:
        if _failed(call):
            begin, last = begin or call["called_at"], call["called_at"]
        elif begin is not None:
            found.append((begin, call["called_at"]))
            begin = None
    return [*found, (begin, last)] if begin is not None and last is not None else found


def _failed(call: dict[str, Any]) -> bool:
    return call["outcome"] not in ("ok", "null")


def _start(at: datetime, span: timedelta) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (at - day) // span * span
