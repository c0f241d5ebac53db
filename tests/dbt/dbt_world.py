"""A few days of a platform, written out by hand: raw rows as the loaders would write them.

Amounts are base units. SKILL amounts have 19 digits on purpose: a narrow DECIMAL breaks on them.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

USDC, SKILL = "MintUsdc", "MintSkill"
VAULT, SKILL_VAULT, PAYER = "VaultUsdc", "VaultSkill", "FeePayer"
GRAND = 5_000_000_000_000_000_000
"""A SKILL deposit: 5 * 10^18 base units."""

CLASSES = {
    "deposit": ("external", "holder"),
    "entry": ("holder", "escrow"),
    "prize_distributed": ("escrow", "holder"),
    "fee_collected": ("escrow", "treasury"),
    "refund": ("escrow", "holder"),
    "withdrawal": ("holder", "external"),
}
EFFECT = {"deposit": 1, "withdrawal": -1, "fee_collected": -1}
SETTINGS: dict[str, Any] = {
    "vaults": [{"address": VAULT, "mint": USDC}, {"address": SKILL_VAULT, "mint": SKILL}],
    "mints": {USDC: {"symbol": "USDC", "decimals": 6}, SKILL: {"symbol": "SKILL", "decimals": 9}},
    "audit_allowed_lag_minutes": 15,
}
Row = dict[str, Any]
Rows = dict[str, list[Row]]


def at(text: str) -> datetime:
    """The instant of October 2026 that "05 10:00:00" names: day and time."""
    return datetime.strptime(f"2026-10-{text}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def user_id(name: str) -> str:
    """Pseudonym of a user's id."""
    return f"user_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def row(when: datetime | None, uri: str, line: int = 1, **columns: Any) -> Row:
    """A raw row: the columns and where it came from."""
    return columns | {
        "_object_uri": f"gs://landing/{uri}",
        "_line": line,
        "_event_date": None if when is None else when.date().isoformat(),
        "_landed_at": "2026-11-01T00:00:00Z",
    }


class World:
    """Collects the raw rows of money events with all that belongs to them: balances, bookings, audit records."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.vaults = {VAULT: 0, SKILL_VAULT: 0}
        self.lamports = 10**18
        self.chains: dict[str, tuple[int, str]] = {}

    def add(self, table: str, *rows: Row) -> None:
        self.rows.setdefault(table, []).extend(rows)

    def take(self) -> Rows:
        """The rows collected since the last call."""
        taken, self.rows = self.rows, {}
        return taken

    def transaction(self, signature: str, slot: int, when: datetime, *events: tuple[str, str | None, str, int]) -> None:
        """One transaction of the program with (kind, match, holder, amount) events, booked and recorded a while later.

        The mint is USDC unless the holder's name starts with "skill".
        """
        skill = events[0][2].startswith("skill")
        mint, vault, decimals = (SKILL, SKILL_VAULT, 9) if skill else (USDC, VAULT, 6)
        moved = sum(EFFECT.get(kind, 0) * amount for kind, _, _, amount in events)
        self.transfer(signature, slot, when, vault, moved)
        for number, (kind, match, holder, amount) in enumerate(events):
            source, target = CLASSES[kind]
            self.add("raw.canonical_events", row(
                when, f"tx/{signature}", number + 1, canonical_key=f"{signature}:{number}", signature=signature,
                slot=slot, block_time=when.isoformat(), canonical_event=kind, escrow_id=match, holder=holder, mint=mint,
                decimals=decimals, vault=vault, amount=str(amount), from_class=source, to_class=target,
                status="counted", profile="test", program_id="Program", event_key=signature, ordinal=number,
            ))  # fmt: skip
            self.book(f"{signature}-{number}", signature, slot, when, kind, match, mint, vault, amount)
            actor = user_id(holder) if source in ("external", "holder") or kind == "withdrawal" else "authority"
            self.record("escrow", when, kind, signature, match, mint, amount, actor)

    def transfer(self, signature: str, slot: int, when: datetime, vault: str, change: int) -> None:
        """Token balances of a vault around a transaction, and lamports of the fee payer."""
        before, self.vaults[vault] = self.vaults[vault], self.vaults[vault] + change
        mint, decimals = (SKILL, 9) if vault == SKILL_VAULT else (USDC, 6)
        self.add("raw.solana_transactions", row(
            when, f"tx/{signature}", signature=signature, slot=slot, block_time=when.isoformat(), success=True,
            program_id="Program", instruction="move", fee_lamports="5000", compute_units=slot,
        ))  # fmt: skip
        self.add("raw.solana_token_balances", row(
            when, f"tx/{signature}", signature=signature, slot=slot, block_time=when.isoformat(), success=True,
            account=vault, mint=mint, decimals=decimals, pre_amount=str(before), post_amount=str(before + change),
            account_kind="vault",
        ))  # fmt: skip
        paid_from, self.lamports = self.lamports, self.lamports - 5000
        self.add("raw.solana_native_balances", row(
            when, f"tx/{signature}", signature=signature, slot=slot, block_time=when.isoformat(), success=True,
            account=PAYER, account_kind="fee_payer", pre_lamports=str(paid_from), post_lamports=str(self.lamports),
        ))  # fmt: skip

    def book(
        self, entry: str, signature: str, slot: int, when: datetime, kind: str, match: str | None, mint: str,
        vault: str, amount: int,
    ) -> None:  # fmt: skip
        """The platform's own ledger document, half a minute later."""
        written = when + timedelta(seconds=30)
        data = {"kind": kind, "matchId": match, "mint": mint, "vault": vault, "amount": str(amount), "slot": slot}
        data |= {"signature": signature, "at": {"_seconds": int(when.timestamp()), "_nanoseconds": 0}}
        self.change("ledger", entry, written, data)

    def change(self, collection: str, document: str, when: datetime, data: dict[str, Any]) -> None:
        """A Firestore change."""
        self.add("raw.firestore_changelog", row(
            when, f"firestore/{document}/{when:%d%H%M%S}", timestamp=when.isoformat(), document_id=document,
            event_id=f"{document}-{when:%d%H%M%S}", collection=collection, operation="UPDATE", data=json.dumps(data),
        ))  # fmt: skip

    def record(
        self, stream: str, when: datetime, action: str, signature: str | None, match: str | None, mint: str | None,
        amount: int | None, actor: str | None = None,
    ) -> Row:  # fmt: skip
        """The next record of an audit stream, a second later; its hash is that of what it says."""
        seq, previous = self.chains.get(stream, (0, "0" * 64))
        digest = hashlib.sha256(f"{stream}|{seq + 1}|{action}|{signature}|{amount}|{previous}".encode()).hexdigest()
        self.chains[stream] = (seq + 1, digest)
        stated = when + timedelta(seconds=1)
        made = row(
            stated, f"audit/{stream}/{seq + 1}", stream=stream, seq=seq + 1, at=stated.isoformat(), action=action,
            amount=None if amount is None else str(amount), mint=mint, match_id=match, signature=signature, actor=actor,
            prev_hash=previous, hash=digest, computed_hash=digest,
        )  # fmt: skip
        self.add("raw.platform_audit_events", made)
        return made

    def withhold(self, table: str, **columns: Any) -> Row:
        """Take one collected row back out, to be delivered later."""
        held = next(r for r in self.rows[table] if all(r[name] == value for name, value in columns.items()))
        self.rows[table].remove(held)
        return held


def match(kind: str, status: str, created: datetime, ended: datetime | None = None) -> dict[str, Any]:
    """A match document."""
    return {
        "kind": kind,
        "status": status,
        "mint": USDC if kind == "paid" else None,
        "entryAmount": "200000" if kind == "paid" else "0",
        "createdAt": {"_seconds": int(created.timestamp()), "_nanoseconds": 0},
        "endedAt": None if ended is None else {"_seconds": int(ended.timestamp()), "_nanoseconds": 0},
    }


def stripe_row(table: str, when: datetime, through: str, identity: str, **columns: Any) -> tuple[str, Row]:
    """A Stripe object in the version read for the window that ends at `through`."""
    return f"raw.stripe_{table}", row(
        when, f"stripe/{table}/{identity}/{through}", id=identity, created=when.isoformat(),
        read_through=at(through).isoformat(), account="default", **columns,
    )  # fmt: skip
