"""The platform's audit log: one hash-chained record per action, per stream, numbered from 1 without a gap.

hash = sha256(canonical JSON of the record without "hash"), hex; prev_hash of the first record = 64 zeros
canonical JSON = json.dumps(..., sort_keys=True, separators=(",", ":"), ensure_ascii=False), UTF-8
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.model import Action
from sandbox.payments_account import PaymentAction

GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditRecord:
    """One record. `at` has millisecond resolution; `tx_index` names the transaction of on-chain actions."""

    stream: str
    seq: int
    at: datetime
    event: dict[str, Any]
    tx_index: int | None = None
    payment: PaymentAction | None = None

    @property
    def line(self) -> str:
        """The record as the Worker logs it: one JSON text."""
        return json.dumps(self.event, separators=(",", ":"), ensure_ascii=False)


def canonical(event: dict[str, Any]) -> bytes:
    """The bytes a record's hash is taken over."""
    bare = {key: value for key, value in event.items() if key != "hash"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(stream: str, seq: int, at: datetime, fields: dict[str, Any], prev_hash: str) -> dict[str, Any]:
    """A record with its hash, linked to the one before. `fields` are those from actor to stripe_id."""
    event = {"type": "audit", "v": 1, "stream": stream, "seq": seq, "at": iso_ms(at), **fields}
    event["prev_hash"] = prev_hash
    event["hash"] = hashlib.sha256(canonical(event)).hexdigest()
    return event


def audit_records(
    actions: Sequence[Action], payments: Sequence[PaymentAction], signatures: Sequence[str]
) -> list[AuditRecord]:
    """Number and chain every action, ordered by time. `signatures[tx_index]` is a transaction's base58 signature."""
    drafts: list[tuple[datetime, str, dict[str, Any], int | None, PaymentAction | None]] = []
    for action in actions:
        fields = {
            "actor": action.actor,
            "action": action.name,
            "amount": None if action.amount is None else str(action.amount),
            "mint": action.mint,
            "currency": None,
            "match_id": action.match_id,
            "signature": None if action.tx_index is None else signatures[action.tx_index],
            "stripe_id": None,
        }
        drafts.append((action.at, action.stream, fields, action.tx_index, None))
    for payment in payments:
        fields = {
            "actor": payment.uid or "stripe",
            "action": payment.action,
            "amount": str(payment.amount),
            "mint": None,
            "currency": payment.currency,
            "match_id": None,
            "signature": None,
            "stripe_id": payment.stripe_id,
        }
        drafts.append((from_ms(payment.handled_ms), "payments", fields, None, payment))
    drafts.sort(key=lambda draft: draft[0])  # stable: equal times keep the order in which they were decided

    last: dict[str, tuple[int, str]] = defaultdict(lambda: (0, GENESIS))
    records = []
    for at, stream, fields, tx_index, payment in drafts:
        seq, prev_hash = last[stream][0] + 1, last[stream][1]
        event = chained(stream, seq, at, fields, prev_hash)
        last[stream] = (seq, event["hash"])
        records.append(AuditRecord(stream, seq, at, event, tx_index, payment))
    return records


def iso_ms(at: datetime) -> str:
    """A UTC instant as `2026-10-05T00:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_ms(value: int) -> datetime:
    """Unix milliseconds as a UTC datetime, exact."""
    return datetime.fromtimestamp(value // 1000, UTC) + timedelta(milliseconds=value % 1000)


def to_ms(at: datetime) -> int:
    """A UTC datetime as unix milliseconds, exact for values of millisecond resolution."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
