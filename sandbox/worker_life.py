"""What the platform's Workers log about themselves: structured lines (docs/worker_logs.md) in their traces.

Beside the traffic there are timed runs of the matchmaking queue, the worker that books finalized transactions, and
webhook deliveries that failed before they were handled. Each line is a fact of its own first: `Life.lines` is the
ground truth, and the calls carry the same lines as log arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from base58 import b58encode

from sandbox.addresses import FEE_PAYER
from sandbox.audit_log import AuditRecord, from_ms, iso_ms, to_ms
from sandbox.bookings import booking_delays
from sandbox.model import World
from sandbox.traffic import ApiCall, Log

QUEUES = ("matchmaking:paid", "matchmaking:free")
QUEUE_RUN_MS = 300_000
BOOKING_SCRIPT = "skill-match-booking"
RELAY_SCRIPT = "skill-match-relay"
FINALITY_MS = 12_000  # from a block to its finalization, about
EXPIRY_MS = 65_000  # a blockhash is good for about 150 slots
SLOW_MS = 1_000
_MATCH = re.compile(r"/matches/[^/]+/")


@dataclass(frozen=True)
class Line:
    """One structured line: kind, unix milliseconds, the service that says it, and its fields."""

    kind: str
    at_ms: int
    service: str
    fields: dict[str, Any]

    def event(self) -> dict[str, Any]:
        """The line as it is logged."""
        return {"type": self.kind, "at": iso_ms(from_ms(self.at_ms)), **self.fields}


@dataclass(frozen=True)
class Life:
    """All calls of the window, in order of time, and the structured lines that they log."""

    calls: list[ApiCall]
    lines: list[Line]


def live(world: World, traffic: Sequence[ApiCall], signatures: Sequence[str]) -> Life:
    """The platform's traffic with its structured lines, and the runs beside it; `signatures[tx_index]` in base58."""
    rng = Random(f"workers:{world.seed}")
    calls: list[ApiCall] = []
    lines: list[Line] = []

    def add(call: ApiCall, said: Iterable[Line]) -> None:
        told = list(said)
        lines.extend(told)
        calls.append(replace(call, logs=(*call.logs, *(_logged(rng, line) for line in told))))

    for call in traffic:
        if not call.is_request or not call.worker:
            add(call, ())
            continue
        payments = [record for record in call.records if record.payment]
        failed = [_failed_delivery(rng, call, record) for record in payments]
        for delivery, said in filter(None, failed):
            add(delivery, [said, _request(delivery)])
        add(call, _said(rng, call, {id(record) for record, was in zip(payments, failed, strict=True) if was}))
    for at_ms in range(to_ms(world.start) + QUEUE_RUN_MS, to_ms(world.end), QUEUE_RUN_MS):
        add(*_queue_run(rng, at_ms))
    for call, said in (*_bookings(world, signatures), *_confirmations(world, signatures)):
        add(call, said)
    return Life(sorted(calls, key=lambda call: call.at_ms), sorted(lines, key=lambda line: line.at_ms))


def _logged(rng: Random, line: Line) -> Log:
    """Most lines are logged as JSON text, some as the object itself."""
    event = line.event()
    level = "error" if line.kind == "error" else "log"
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    return Log(line.at_ms, level, (event if rng.random() < 0.2 else text,))


def _request(call: ApiCall) -> Line:
    endpoint = _MATCH.sub("/matches/:id/", call.path)
    fields = {"endpoint": endpoint, "method": call.method, "status": call.status, "duration_ms": call.duration_ms}
    return Line("api_request", call.at_ms + call.duration_ms, call.script, fields)


def _said(rng: Random, call: ApiCall, retried: set[int]) -> list[Line]:
    """The lines of one request: itself, the webhooks it handled, its slow queries and its caught errors."""
    said = [_request(call)]
    for record in call.records:
        if record.payment:
            said.append(_delivery(record, record.payment.handled_ms, call, 2 if id(record) in retried else 1))
    if call.duration_ms > SLOW_MS + 50:
        fields = {"query": "matches_by_status", "duration_ms": call.duration_ms - 40, "row_count": 1200}
        said.append(Line("slow_query", call.at_ms + call.duration_ms - 10, call.script, fields))
    if rng.random() < 0.01:
        fields = {"error": rng.choice(("RpcTimeout", "LockConflict")), "service": "settlement"}
        said.append(Line("error", call.at_ms + 5, "settlement", fields))
    return said


def _delivery(record: AuditRecord, at_ms: int, call: ApiCall, attempt: int, error: str | None = None) -> Line:
    payment = record.payment
    fields: dict[str, Any] = {
        "provider": "stripe",
        "event_id": payment.event_id,
        "event_type": payment.action,
        "created_at": payment.event_created_ms // 1000,  # as Stripe states it
        "outcome": "failed" if error else "handled",
        "attempt": attempt,
        "duration_ms": call.duration_ms,
    }
    return Line("webhook", at_ms, call.script, fields | ({"error": error} if error else {}))


def _failed_delivery(rng: Random, call: ApiCall, record: AuditRecord) -> tuple[ApiCall, Line] | None:
    """Now and then the first delivery of an event fails, and the provider sends it again."""
    earliest, latest = record.payment.event_created_ms + 200, call.at_ms - 200
    if rng.random() > 0.08 or latest <= earliest:
        return None
    at_ms = rng.randint(earliest, latest)
    failed = replace(
        call, at_ms=at_ms, status=500, duration_ms=90, logs=(), records=(), ray_id=f"{rng.getrandbits(64):016x}",
        subrequest_ray=None,
    )  # fmt: skip
    return failed, _delivery(record, at_ms + 85, failed, 1, "LockConflict")


def _queue_run(rng: Random, at_ms: int) -> tuple[ApiCall, list[Line]]:
    """A timed run of the queue's Durable Object: it tells the depths since the last run, so some of the hour before."""
    said = []
    for queue in QUEUES:
        for moment in sorted(rng.randint(at_ms - QUEUE_RUN_MS, at_ms - 1) for _ in range(rng.randint(1, 4))):
            depth = rng.randint(0, 12) if rng.random() > 0.03 else rng.randint(40, 90)
            fields = {"queue": queue, "depth": depth, "oldest_ms": depth * rng.randint(100, 900)}
            said.append(Line("queue_depth", moment, "skill-match-api", fields))
    return _run(at_ms, 12, kind="alarm"), said


def _bookings(world: World, signatures: Sequence[str]) -> Iterable[tuple[ApiCall, list[Line]]]:
    """The worker that books a transaction once it is final: a run a transaction."""
    delays = booking_delays(world, Random(f"firestore:{world.seed}"))
    last_ms = to_ms(world.end) - 1
    for tx_index, delay in delays.items():
        plan = world.transactions[tx_index]
        at_ms = to_ms(plan.at + delay)
        fields = {
            "signature": signatures[tx_index],
            "slot": plan.slot,
            "finalized_at": iso_ms(plan.at + timedelta(milliseconds=FINALITY_MS + tx_index % 8 * 100)),
        }
        line = Line("ledger_write", at_ms, BOOKING_SCRIPT, fields)
        yield _run(min(at_ms - 20, last_ms), 30, kind="queue", script=BOOKING_SCRIPT), [line]


def _confirmations(world: World, signatures: Sequence[str]) -> Iterable[tuple[ApiCall, list[Line]]]:
    """The relay, which submits what the platform's fee payer pays for; now and then a blockhash expires meanwhile."""
    rng = Random(f"relay:{world.seed}")
    for plan in world.transactions:
        if plan.fee_payer != FEE_PAYER:
            continue
        submitted_ms = to_ms(plan.at) - rng.randint(300, 3_000)
        final_ms = to_ms(plan.at) + FINALITY_MS + plan.index % 8 * 100
        said = [_confirmed(signatures[plan.index], submitted_ms, final_ms)]
        if rng.random() < 0.03:  # the first attempt never landed; the one that did has another signature
            lost = b58encode(rng.randbytes(64)).decode()
            said.insert(0, _confirmed(lost, submitted_ms - EXPIRY_MS, None))
        yield _run(said[-1].at_ms - 10, 30, kind="queue", script=RELAY_SCRIPT), said


def _confirmed(signature: str, submitted_ms: int, final_ms: int | None) -> Line:
    fields: dict[str, Any] = {"signature": signature, "submitted_at": iso_ms(from_ms(submitted_ms))}
    if final_ms is None:
        return Line("confirmation", submitted_ms + EXPIRY_MS, RELAY_SCRIPT, fields | {"outcome": "expired"})
    fields |= {"outcome": "finalized", "finalized_at": iso_ms(from_ms(final_ms))}
    return Line("confirmation", final_ms + 40, RELAY_SCRIPT, fields)


def _run(at_ms: int, duration_ms: int, **details: Any) -> ApiCall:
    """A run of a Worker that no request set off."""
    return ApiCall(
        at_ms=at_ms, method="", path="", status=0, ip="", country="", agent="", ray_id="", duration_ms=duration_ms,
        worker=True, **details,
    )  # fmt: skip
