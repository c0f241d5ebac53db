"""What two runs learn about the chain itself: coverage, proofs, breaks, disagreements and pending transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dbt_world import GRAND, PAYER, USDC, VAULT, World, at, row

FOUND = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
REPAIRED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
BREAK = f"{VAULT}:token:t2:t3"


class Run:
    """Writes the rows of one attempt."""

    def __init__(self, world: World, attempt: str, window: Mapping[str, Any], when: datetime) -> None:
        self.world, self.attempt, self.when = world, attempt, when
        self.common = {
            "attempt_id": attempt,
            "window_start": window["window_start"],
            "window_end": window["window_end"],
        }

    def _add(self, table: str, day: datetime, **columns: Any) -> None:
        number = len(self.world.rows.get(f"raw.{table}", [])) + 1
        made = row(day, f"{table}/{self.attempt}", number, **columns, **self.common)
        made["_landed_at"] = self.when.isoformat()
        self.world.add(f"raw.{table}", made)

    def coverage(self, address: str, from_slot: int, to_slot: int, until: datetime) -> None:
        self._add(
            "solana_coverage", until, address=address, from_slot=from_slot, to_slot=to_slot,
            to_time=until.isoformat(), signatures=1, providers='["alpha"]', covered_at=self.when.isoformat(),
        )  # fmt: skip

    def proof(self, account: str, kind: str, result: str, closing: int, reported: int, to_slot: int, number: int = 0):
        """A proof from the account's first transaction on; gives its id."""
        identity = f"{self.attempt}:{number}:{account}:{kind}"
        self._add(
            "solana_balance_proofs", self.when, proof_id=identity, round=number, account=account,
            account_kind="vault" if account == VAULT else "fee_payer", kind=kind,
            mint=USDC if kind == "token" else None, decimals=6 if kind == "token" else 9, from_slot=0,
            to_slot=to_slot, transactions=4, opening_amount="0",
            opening_source="zero", closing_amount=str(closing), reported_amount=str(reported), reported_slot=to_slot,
            result=result, breaks=int(result == "broken"), proved_at=self.when.isoformat(),
        )  # fmt: skip
        return identity

    def break_of(self, proof: str) -> None:
        """The break between t2 and t3 of the vault."""
        self._add(
            "solana_balance_breaks", self.when, break_id=BREAK, proof_id=proof, account=VAULT, account_kind="vault",
            kind="token", mint=USDC, decimals=6, after_signature="t2", after_slot=110, before_signature="t3",
            before_slot=120, expected_amount=str(GRAND), found_amount=str(GRAND - 1), amount="-1",
            found_at=self.when.isoformat(),
        )  # fmt: skip

    def omission(self, provider: str, kind: str, signature: str, slot: int, block: datetime) -> None:
        self._add(
            "solana_disagreements", block, provider=provider, kind=kind, address=VAULT if kind == "listing" else None,
            signature=signature, slot=slot, block_time=block.isoformat(), held_by="gamma", found_by="cross_listing",
            found_at=self.when.isoformat(),
        )  # fmt: skip

    def pending(self, signature: str, address: str, slot: int, block: datetime, seen: datetime, final: int) -> None:
        self._add(
            "solana_pending", seen, signature=signature, address=address, slot=slot, block_time=block.isoformat(),
            success=True, confirmation_status="confirmed", finalized_slot=final, seen_at=seen.isoformat(),
        )  # fmt: skip


def first_readings(world: World, window: Mapping[str, Any]) -> None:
    """A break that the re-read left, two slots that nobody listed, three transactions just before midnight."""
    run = Run(world, "attempt1", window, FOUND)
    run.coverage(VAULT, 0, 150, at("06 00:00:00"))
    run.coverage(VAULT, 140, 250, at("06 23:59:00"))
    run.coverage(PAYER, 0, 100, at("06 00:00:00"))
    run.coverage(PAYER, 103, 250, at("06 23:59:00"))
    for number in (0, 1):
        run.break_of(run.proof(VAULT, "token", "broken", GRAND - 1, GRAND - 1, 250, number))
    run.proof(PAYER, "native", "proved", 10**18, 10**18, 250)
    run.omission("alpha", "listing", "t2", 110, at("05 10:05:00"))
    for second, (signature, address) in enumerate({"p1": VAULT, "p2": VAULT, "p3": PAYER}.items()):
        run.pending(signature, address, 260 + second, at(f"06 23:59:2{second}"), at("06 23:59:40"), 250)


def later_readings(world: World, window: Mapping[str, Any]) -> None:
    """The missing transaction is there, the hole is closed; p1 is final, p2 never came, p3 is still in doubt."""
    run = Run(world, "attempt2", window, REPAIRED)
    run.coverage(VAULT, 251, 320, at("07 23:59:00"))
    run.coverage(PAYER, 101, 102, at("06 00:00:00"))
    run.proof(VAULT, "token", "proved", GRAND - 1, GRAND - 1, 320)
    run.omission("alpha", "listing", "t2", 110, at("05 10:05:00"))
    run.omission("beta", "transaction", "t10", 300, at("07 10:00:00"))
    run.pending("p3", PAYER, 262, at("06 23:59:22"), at("07 00:09:23"), 255)
    world.add("raw.solana_signatures", row(
        at("06 23:59:20"), "signatures/p1", address=VAULT, signature="p1", slot=260, success=True,
        block_time=at("06 23:59:20").isoformat(), confirmation_status="finalized",
    ))  # fmt: skip
