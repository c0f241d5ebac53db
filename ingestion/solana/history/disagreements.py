"""What one provider left out and another one has: the record that no single provider is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.solana.history.listing import Entry, Omission
from ingestion.solana.records import instant, record_rows
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

    def read(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        yield "solana_disagreements", record, record["block_time"] or record["found_at"]

    return record_rows(landed, stream, "not_a_disagreement", "the line is no disagreement record", read)
