"""Ground truth of the platform's operation: its Workers, its edge, its audit log and its failed writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sandbox.audit_log import AuditRecord, from_ms, iso_ms, to_ms
from sandbox.cloud_logging import writes
from sandbox.logpush import HOST
from sandbox.model import World
from sandbox.traffic import ApiCall
from sandbox.worker_life import Life
from sandbox.worker_truth import FIVE_MINUTES_MS, HOUR_MS, Figures, by, named, percentile, worker_truth

Spans = dict[str, dict[str, Any]]


def operations_truth(world: World, life: Life, records: Sequence[AuditRecord]) -> dict[str, Spans]:
    """{"days": {"2026-10-05": {"M23": {stream: ...}}}, "hours": {"2026-10-05T13:00:00Z": {"M10" ... "M15", "edge":
    {"host method endpoint": ...}}}, "five_minutes": {..."M10", "M14", "edge"}} under the names that the marts give.
    """
    edge = _seen_at_the_edge(world, life.calls)
    hours, minutes = worker_truth(life), worker_truth(life, FIVE_MINUTES_MS)
    for spans, span_ms in ((hours, HOUR_MS), (minutes, FIVE_MINUTES_MS)):
        for span, seen in by(edge, lambda request, ms=span_ms: named(request[1], ms)).items():
            cells = by(seen, lambda request: request[0])
            spans.setdefault(span, {})["edge"] = {
                key: _edge(requests, with_percentiles=span_ms < HOUR_MS) for key, requests in cells.items()
            }
    for span, figures in _failed_writes(world).items():
        hours.setdefault(span, {})["M13"] = figures
    return {"days": _audit(records), "hours": hours, "five_minutes": minutes}


def _seen_at_the_edge(world: World, calls: Iterable[ApiCall]) -> list[tuple[str, int, int, ApiCall]]:
    """Requests as (key, start, end, call). The job states whole seconds from the third day on (see logpush)."""
    switch = to_ms(world.start + timedelta(days=2))
    seen = []
    for call in calls:
        if call.is_request:
            segments = [":id" if any(map(str.isdigit, part)) else part for part in call.path.split("/")]
            unit = 1000 if call.at_ms >= switch else 1
            start, end = (ms - ms % unit for ms in (call.at_ms, call.at_ms + call.duration_ms))
            seen.append((f"{HOST} {call.method} {'/'.join(segments)}", start, end, call))
    return seen


def _edge(requests: Sequence[tuple[str, int, int, ApiCall]], with_percentiles: bool) -> Figures:
    calls = [call for *_, call in requests]
    durations = [end - start for _, start, end, _ in requests]
    failed = sum(call.status >= 500 for call in calls)
    shares = (50, 95, 99) if with_percentiles else ()
    return {
        "requests": len(calls),
        "estimated_requests": len(calls),
        "cache_hit_rate_numerator": sum(not call.worker and call.status in (200, 304) for call in calls),
        "cache_hit_rate_denominator": len(calls),
        "client_errors": sum(400 <= call.status < 500 for call in calls),
        "server_errors": failed,
        "error_rate_numerator": failed,
        "error_rate_denominator": len(calls),
        "duration_sum_ms": sum(durations),
        **{f"duration_p{share}_ms": percentile(durations, share) for share in shares},
        "duration_max_ms": max(durations),
        "as_of_time": _stated(max(start for _, start, _, _ in requests)),
    }


def _failed_writes(world: World) -> Spans:
    """M13 by hour: {"logged_by collection code": ...}; a write of two collections counts in each."""
    told: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for of_hour in writes(world).values():
        for write in of_hour:
            for collection in write.collections if write.code else ():
                at_ms = to_ms(write.at)
                told[named(at_ms)][f"{write.logged_by} {collection} {write.code}"].append(at_ms)
    return {
        hour: {
            key: {"errors": len(times), "first_at": _stated(min(times)), "as_of_time": _stated(max(times))}
            for key, times in cells.items()
        }
        for hour, cells in told.items()
    }


def _audit(records: Sequence[AuditRecord]) -> Spans:
    """M23: a whole log, for whatever is dropped arrives in the end."""
    days: Spans = defaultdict(lambda: {"M23": {}})
    nothing = dict.fromkeys(
        (
            *("sequence_gaps", "missing_records", "repeated_sequences", "chain_breaks"),
            *("money_events_without_record", "records_without_money_event"),
        ),
        0,
    )
    for (day, stream), held in by(records, lambda record: (record.at.date().isoformat(), record.stream)).items():
        numbers = [record.seq for record in held]
        days[day]["M23"][stream] = nothing | {
            "events": len(set(numbers)),
            "first_seq": min(numbers),
            "last_seq": max(numbers),
            "as_of_time": iso_ms(max(record.at for record in held)),
        }
    return dict(days)


def _stated(at_ms: int) -> str:
    return iso_ms(from_ms(at_ms))
