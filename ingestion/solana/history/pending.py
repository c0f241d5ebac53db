"""Transactions that are confirmed and not final: shown as such (M7), never counted as money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.answers import Unusable, parse_json
from ingestion.solana.history.coverage import instant, window_columns
from ingestion.solana.history.listing import Entry, Tip
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
    for number, line in enumerate(stream, start=1):
        try:
            record = parse_json(line)
            day = datetime.fromisoformat(record["seen_at"]).date()
        except (Unusable, KeyError, TypeError, ValueError):
            reason = "the line is no pending record, or the chain states no time"
            yield quarantine_row(landed, number, "not_pending", reason, line.rstrip(b"\n"))
            continue
        columns = record | window_columns(landed) | {"_line": number, "_event_date": day.isoformat()}
        yield "solana_pending", columns
