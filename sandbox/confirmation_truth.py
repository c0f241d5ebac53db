"""Ground truth of M7: how long what the relay submitted took to become final, by the hour in which it says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.audit_log import from_ms, to_ms
from sandbox.worker_life import Life, Line
from sandbox.worker_truth import percentile


def confirmation_truth(life: Life) -> dict[str, dict[str, Any]]:
    """{"2026-10-05T13:00:00Z": {"M7": {"confirmed", "expired", "sum_ms", "p50_ms", ...}}, ...}."""
    hours: dict[str, list[Line]] = defaultdict(list)
    for line in life.lines:
        if line.kind == "confirmation":
            hours[from_ms(line.at_ms).strftime("%Y-%m-%dT%H:00:00Z")].append(line)
    return {hour: {"M7": _confirmations(said)} for hour, said in sorted(hours.items())}


def _confirmations(said: Sequence[Line]) -> dict[str, int | None]:
    """Milliseconds from submission to finality, of the transactions that became final."""
    final = [line.fields for line in said if "finalized_at" in line.fields]
    times = [_ms(fields["finalized_at"]) - _ms(fields["submitted_at"]) for fields in final]
    return {
        "confirmed": len(times),
        "expired": len(said) - len(times),
        "sum_ms": sum(times),
        **{f"p{share}_ms": percentile(times, share) if times else None for share in (50, 95, 99)},
        "max_ms": max(times, default=None),
    }


def _ms(stated: str) -> int:
    return to_ms(datetime.fromisoformat(stated))
