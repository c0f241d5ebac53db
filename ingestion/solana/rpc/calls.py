"""The record of HTTP calls to RPC providers: one row an attempt, as raw.rpc_calls has it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ingestion.solana.rpc.answers import Request


@dataclass(frozen=True)
class Call:
    """One HTTP call. `slot` is the newest slot that its answers name; `error_code` an HTTP status or JSON-RPC code.

    `failover_from` is the provider that it was made in place of: one that had failed these requests, or a preferred one
    that was set aside.
    """

    call_id: str
    attempt_id: str
    provider: str
    method: str
    batch_size: int
    called_at: str
    latency_ms: int
    outcome: str
    error_code: str | None
    slot: int | None
    failover_from: str | None


@dataclass(frozen=True)
class Started:
    """When a call began: the time of day to record, and the clock's seconds to measure from."""

    at: datetime
    seconds: float

    @classmethod
    def now(cls) -> Started:
        return cls(datetime.now(UTC), time.monotonic())


class CallLog:
    """Every call of one ingest attempt, in the order in which they ended; `failover_from` holds for those to come."""

    def __init__(self, attempt_id: str) -> None:
        self.rows: list[Call] = []
        self.failover_from: str | None = None
        self._attempt_id = attempt_id

    def add(
        self,
        provider: str,
        requests: Sequence[Request],
        started: Started,
        outcome: str,
        code: int | None,
        slot: int | None = None,
    ) -> Call:
        """Record a call that ended now."""
        call = Call(
            call_id=f"{self._attempt_id}:{len(self.rows):06d}",
            attempt_id=self._attempt_id,
            provider=provider,
            method=requests[0].method,
            batch_size=len(requests),
            called_at=started.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            latency_ms=round((time.monotonic() - started.seconds) * 1000),
            outcome=outcome,
            error_code=None if code is None else str(code),
            slot=slot,
            failover_from=self.failover_from,
        )
        self.rows.append(call)
        return call

    def lines(self) -> bytes:
        """Every call so far as NDJSON."""
        return b"".join(json.dumps(asdict(call), separators=(",", ":")).encode() + b"\n" for call in self.rows)
