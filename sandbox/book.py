"""The simulation's books while it runs: the clock's queue, balances, escrows, and what was written down."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from sandbox import addresses
from sandbox.model import BASE_SLOT, Action, Call, LedgerEntry, TxPlan

QUIET_MS = 90_000  # nothing happens in the last 90 s, so that every record of it is out before the end


class Book:
    """Mutable state shared by the actors. Times are int milliseconds since the window's start."""

    def __init__(
        self, start: datetime, days: int, rng: Random, vault_accounts: Mapping[str, str] = addresses.VAULTS
    ) -> None:
        self.start = start
        self.end = start + timedelta(days=days)
        self.horizon = days * 86_400_000 - QUIET_MS
        self.rng = rng
        self.vault_accounts = vault_accounts  # mint -> token account
        self.wallets: dict[str, int] = {}  # token account outside the vault -> base units
        self.balances: defaultdict[tuple[str, str], int] = defaultdict(int)  # (uid, mint) inside the vault
        self.escrows: defaultdict[str, int] = defaultdict(int)  # match_id -> base units
        self.vaults: dict[str, int] = dict.fromkeys(addresses.MINTS, 0)
        self.ledger: list[LedgerEntry] = []
        self.actions: list[Action] = []
        self.transactions: list[TxPlan] = []
        self._queue: list[tuple[int, int, Callable[..., None], tuple]] = []
        self._sequence = 0

    def when(self, ms: int) -> datetime:
        """The instant `ms` after the start."""
        return self.start + timedelta(milliseconds=ms)

    def later(self, ms: int, handler: Callable[..., None], *args: object) -> None:
        """Have `handler(ms, *args)` called when the clock reaches `ms`; dropped past the horizon."""
        self._sequence += 1
        heapq.heappush(self._queue, (ms, self._sequence, handler, args))

    def run(self) -> None:
        """Work off the queue in time order up to the horizon."""
        while self._queue:
            ms, _, handler, args = heapq.heappop(self._queue)
            if ms > self.horizon:
                break
            handler(ms, *args)

    def span(self, low_s: int, high_s: int) -> int:
        """A random number of milliseconds between two numbers of seconds."""
        return self.rng.randint(low_s * 1000, high_s * 1000)

    def submit(
        self,
        ms: int,
        fee_payer: str,
        signers: Sequence[str],
        calls: Sequence[Call],
        entries: Sequence[tuple[str, str | None, str, int, str | None]] = (),
        actor: str = "authority",
    ) -> int:
        """Put a transaction on the chain and its money into the books; gives its index.

        `entries` are (kind, match_id, mint, amount, uid) in the order of the calls' events; a zero amount is no entry.
        A failing call means no entries: nothing is booked.
        """
        slot = BASE_SLOT + ms * 5 // 2000
        at = self.start + timedelta(seconds=(slot - BASE_SLOT) * 2 // 5)
        index = len(self.transactions)
        booked = []
        for kind, match_id, mint, amount, uid in entries:
            if amount == 0:
                continue
            self._move(kind, match_id, mint, amount, uid)
            entry_id = f"l{len(self.ledger) + 1:06d}"
            self.ledger.append(
                LedgerEntry(entry_id, at, kind, match_id, mint, self.vault_accounts[mint], amount, uid, index, slot)
            )
            booked.append(entry_id)
            self.act(
                ms + self.rng.randint(400, 2600),
                "escrow",
                kind,
                actor,
                uid=uid,
                match_id=match_id,
                mint=mint,
                amount=amount,
                entry_id=entry_id,
                tx_index=index,
            )
        self.transactions.append(
            TxPlan(
                index,
                at,
                slot,
                fee_payer,
                tuple(signers),
                tuple(calls),
                version="0" if self.rng.random() < 0.25 else "legacy",
                compute_limit=self.rng.choice((None, 120_000, 200_000, 400_000)),
                compute_price=self.rng.choice((1_000, 5_000, 25_000, 133_333)),
                entry_ids=tuple(booked),
            )
        )
        return index

    def channel(self) -> str:
        """How a call's events leave the program: mostly the log, some by self-CPI, a few both ways."""
        return self.rng.choices(("log", "cpi", "both"), (75, 15, 10))[0]

    def act(self, ms: int, stream: str, name: str, actor: str, **details: object) -> None:
        """Write down an action at `ms`."""
        self.actions.append(Action(self.when(ms), stream, name, actor, **details))

    def _move(self, kind: str, match_id: str | None, mint: str, amount: int, uid: str | None) -> None:
        """Book one money event; a balance below zero is a fault of the simulation and stops it."""
        key = (uid, mint)
        match kind:
            case "deposit":
                self.balances[key] += amount
                self.vaults[mint] += amount
            case "entry":
                self.balances[key] -= amount
                self.escrows[match_id] += amount
            case "prize_distributed" | "refund":
                self.escrows[match_id] -= amount
                self.balances[key] += amount
            case "fee_collected":
                self.escrows[match_id] -= amount
                self.vaults[mint] -= amount
            case "withdrawal":
                self.balances[key] -= amount
                self.vaults[mint] -= amount
            case _:
                raise ValueError(f"no such money event: {kind}")
        if min(self.balances[key] if uid else 0, self.escrows[match_id] if match_id else 0, self.vaults[mint]) < 0:
            raise AssertionError(f"{kind} of {amount} {mint} overdraws {uid or match_id}")
