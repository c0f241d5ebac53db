"""M19: what the simulated exchange's figures must come to, from its requests and its payments alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sandbox.escrow_truth import Bucket, day_of, hour_of, under
from sandbox.exchange_world import Exchange, Request
from sandbox.model import LedgerEntry

COUNTS = ("requests", "completed", "failed", "fallback", "pending", "unique_users")
SUMS = ("units_requested", "units_in", "tokens_out", "tokens_on_chain")


def exchange_truth(exchange: Exchange) -> dict[str, dict[str, Any]]:
    """{"days" | "hours": {bucket: {"M19": ...}}}; days have "M19_failures" too (see below)."""
    requests, ledger = exchange.requests, exchange.world.ledger
    days = under("M19", figures(requests, ledger, day_of))
    for day, told in failures(requests, day_of).items():
        days.setdefault(day, {})["M19_failures"] = told
    return {"days": days, "hours": under("M19", figures(requests, ledger, hour_of))}


def figures(requests: Sequence[Request], payments: Iterable[LedgerEntry], bucket: Bucket) -> dict[str, dict[str, Any]]:
    """{bucket: {mint: {requests, ..., units_in, tokens_out, ...}}}; sums are int strings.

    A request counts by the state it has at the end: `requests`, `pending`, `units_requested` and `unique_users` when
    it was made, the others when it ended, `tokens_on_chain` by the block of the payment.
    """
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    users: dict[tuple[str, str], set[str]] = defaultdict(set)

    def cell(at: datetime, mint: str) -> dict[str, int]:
        return told[bucket(at)].setdefault(mint, dict.fromkeys((*COUNTS, *SUMS), 0))

    for request in requests:
        made, last = cell(request.created_at, request.mint), request.last
        made["requests"] += 1
        made["units_requested"] += request.units
        made["pending"] += last.status == "requested"
        users[bucket(request.created_at), request.mint].add(request.uid)
        if last.ended_at is not None:
            ended = cell(last.ended_at, request.mint)
            ended[last.status] += 1
            if last.status != "failed":
                ended["units_in"] += request.units
                ended["tokens_out"] += last.tokens or 0
    for entry in payments:
        cell(entry.at, entry.mint)["tokens_on_chain"] += entry.amount
    for (when, mint), found in users.items():
        told[when][mint]["unique_users"] = len(found)
    return {
        when: {mint: {name: n if name in COUNTS else str(n) for name, n in one.items()} for mint, one in mints.items()}
        for when, mints in told.items()
    }


def failures(requests: Sequence[Request], bucket: Bucket) -> dict[str, dict[str, dict[str, int]]]:
    """{bucket: {reason: {"failed": n, "fallback": n}}} of requests by the state they have at the end."""
    told: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for request in requests:
        last = request.last
        if last.ended_at is not None and last.status in ("failed", "fallback"):
            counts = told[bucket(last.ended_at)].setdefault(last.reason or "", {"failed": 0, "fallback": 0})
            counts[last.status] += 1
    return dict(told)
