"""Transactions that are confirmed and not final: shown as such (M7), never counted as money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.solana.history.listing import Entry, Tip
from ingestion.solana.records import instant, record_rows
from warehouse.window import format_instant


def pending_lines(address: str, entries: Sequence[Entry], tip: Tip, ctx: Context) -> list[dict[str, Any]]:
    """Landed records of unfinalized entries. They are seen at the newest block time known, the chain's own clock."""
    times = [when for entry in entries if (when := instant(entry["blockTime"])) is not None]
    seen_at = max([*times, *([tip.time] if tip.time else [])], default=None)
    return [
        {
            "signature": entry["signature"],
            "address": address,
            "slot": entry["slot"],
            "block_time": None if entry["blockTime"] is None else format_instant(instant(entry["blockTime"])),
            "success": entry.get("err") is None,
            "confirmation_status": entry["confirmationStatus"],
            "finalized_slot": tip.slot,
            "seen_at": None if seen_at is None else format_instant(seen_at),
            "attempt_id": ctx.attempt_id,
        }
        for entry in entries
    ]


def prepare_pending(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON pending records."""

    def read(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        yield "solana_pending", record, record["seen_at"]

    reason = "the line is no pending record, or the chain states no time"
    return record_rows(landed, stream, "not_pending", reason, read)
