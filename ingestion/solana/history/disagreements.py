"""What one provider left out and another one has: the record that no single provider is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.answers import Unusable, parse_json
from ingestion.solana.history.coverage import instant, window_columns
from ingestion.solana.history.listing import Entry, Omission
from ingestion.solana.rpc.answers import Answer
from warehouse.window import format_instant


def listing_disagreements(address: str, omissions: Iterable[Omission], found_by: str) -> Iterator[dict[str, Any]]:
    """Signatures that a provider does not list although another does."""
    for omission in omissions:
        yield _line(omission.provider, "listing", address, omission.entry, omission.held_by, found_by)


def answer_disagreements(
    pairs: Sequence[tuple[str, Answer]], entries: Mapping[str, Entry], found_by: str
) -> Iterator[dict[str, Any]]:
    """Transactions that a provider denies although another one served them."""
    for signature, answer in pairs:
        if answer.outcome == "ok":
            for provider in answer.denied:
                yield _line(provider, "transaction", None, entries[signature], answer.provider, found_by)


def _line(provider: str, kind: str, address: str | None, entry: Entry, held_by: str, found_by: str) -> dict[str, Any]:
    when = instant(entry["blockTime"])
    return {
        "provider": provider,
        "kind": kind,
        "address": address,
        "signature": entry["signature"],
        "slot": entry["slot"],
        "block_time": None if when is None else format_instant(when),
        "held_by": held_by,
        "found_by": found_by,
    }


def prepare_disagreements(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON disagreement records."""
    for number, line in enumerate(stream, start=1):
        try:
            record = parse_json(line)
            day = datetime.fromisoformat(record["block_time"] or record["found_at"]).date()
        except (Unusable, KeyError, TypeError, ValueError):
            reason = "the line is no disagreement record"
            yield quarantine_row(landed, number, "not_a_disagreement", reason, line.rstrip(b"\n"))
            continue
        columns = record | window_columns(landed) | {"_line": number, "_event_date": day.isoformat()}
        yield "solana_disagreements", columns
