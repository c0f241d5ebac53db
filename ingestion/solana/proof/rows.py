"""Proofs as landed records, and those as rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.solana.proof.continuity import Break
from ingestion.solana.proof.proof import Proof
from ingestion.solana.records import record_rows
from warehouse.window import format_instant


def proof_line(proof: Proof, attempt_id: str, turn: int, proved_at: datetime) -> dict[str, Any]:
    """The landed record of a proof with its breaks. `turn`: 0 as found, 1 after a re-read."""
    account, found = proof.account, proof.found
    unit = {
        "account": account.address,
        "account_kind": account.role,
        "kind": account.kind,
        "mint": proof.mint,
        "decimals": proof.decimals,
    }
    proof_id = f"{attempt_id}:{turn}:{account.address}:{account.kind}:{proof.from_slot}"
    return {
        "proof": unit
        | {
            "proof_id": proof_id,
            "attempt_id": attempt_id,
            "round": turn,
            "from_slot": proof.from_slot,
            "to_slot": proof.to_slot,
            "transactions": found.transactions,
            "opening_amount": _text(found.opening),
            "opening_source": proof.opening_source,
            "closing_amount": _text(found.closing),
            "reported_amount": _text(proof.reported.amount if proof.reported else None),
            "reported_slot": proof.reported.slot if proof.reported else None,
            "result": proof.result,
            "breaks": len(proof.breaks),
            "proved_at": format_instant(proved_at),
        },
        "breaks": [
            unit
            | _break_columns(item, unit)
            | {"proof_id": proof_id, "attempt_id": attempt_id, "found_at": format_instant(proved_at)}
            for item in proof.breaks
        ],
    }


def _break_columns(item: Break, unit: dict[str, Any]) -> dict[str, Any]:
    return {
        "break_id": f"{unit['account']}:{unit['kind']}:{item.after or ''}:{item.before or ''}",
        "after_signature": item.after,
        "after_slot": item.after_slot,
        "before_signature": item.before,
        "before_slot": item.before_slot,
        "expected_amount": str(item.expected),
        "found_amount": str(item.found),
        "amount": str(item.amount),
    }


def prepare_proofs(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON records {"proof", "breaks"}."""

    def read(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        proved_at = record["proof"]["proved_at"]
        yield "solana_balance_proofs", record["proof"], proved_at
        for item in record["breaks"]:
            yield "solana_balance_breaks", item, proved_at

    return record_rows(landed, stream, "not_a_proof", "the line is no proof record", read)


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
