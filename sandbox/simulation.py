"""Runs the actors against the books and freezes the result into a World."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from random import Random

from sandbox import addresses, operations
from sandbox.actors import OPENING, USERS, WHALE, Users
from sandbox.book import Book
from sandbox.genesis import SOL
from sandbox.matchmaking import Matches
from sandbox.model import World

LATE_SETTLEMENT, WITHDRAWAL_SPIKE = "late_settlement", "withdrawal_spike"
TROUBLES = (LATE_SETTLEMENT, WITHDRAWAL_SPIKE)
"""What may go wrong in a world, on its second day; with one of them it is another world from then on."""

# What is there before the window. The platform's own accounts are not: sandbox.genesis funds them on the chain.
OPENING_LAMPORTS = {
    addresses.FAUCET: 10_000 * SOL,
    addresses.MINT_AUTHORITY: SOL,
    addresses.BYSTANDER: SOL,
    addresses.AUTHORITY: 40 * SOL,
    addresses.DELEGATE: 2 * SOL,
    addresses.OUTSIDER: 3 * SOL,
    addresses.EXECUTOR_PROGRAM: 1_141_440,
    addresses.LOOKALIKE_PROGRAM: 1_141_440,
    addresses.LOOKUP_TABLE: 2_812_800,
    addresses.SYSTEM_PROGRAM: 1,
    addresses.COMPUTE_BUDGET_PROGRAM: 1,
    addresses.TOKEN_PROGRAM: 4_522_329_612,
    addresses.ASSOCIATED_TOKEN_PROGRAM: 730_913_280,
    addresses.USDC_MINT: 1_461_600,
    addresses.SKILL_MINT: 1_461_600,
    addresses.VAULT_AUTHORITY: 0,
    addresses.EVENT_AUTHORITY: 0,
}


class Simulation:
    """One run of the platform over a window. See sandbox.world.build_world."""

    def __init__(self, start: datetime, days: int, seed: int, troubles: Collection[str] = ()) -> None:
        self.seed = seed
        self.book = Book(start, days, Random(seed))
        self.users = Users(self.book)
        self.matches = Matches(self.book, self.users)
        self.troubles = troubles

    def run(self) -> World:
        """Play the whole window. Raises AssertionError if a balance would ever fall below zero."""
        book = self.book
        book.later(30_000, self._launch)
        self.users.plan()
        self.matches.plan()
        for trouble in self.troubles:
            {LATE_SETTLEMENT: self.matches.plan_late_settlement, WITHDRAWAL_SPIKE: self.users.plan_spike}[trouble]()
        book.run()
        owners = {addresses.TREASURY_ACCOUNTS[m]: (addresses.TREASURY, m) for m in addresses.MINTS}
        owners |= {addresses.VAULTS[m]: (addresses.VAULT_AUTHORITY, m) for m in addresses.MINTS}
        owners |= {addresses.token_account(addresses.OUTSIDER, m): (addresses.OUTSIDER, m) for m in addresses.MINTS}
        opening = dict.fromkeys((addresses.token_account(addresses.OUTSIDER, m) for m in addresses.MINTS), 5_000_000)
        lamports = dict(OPENING_LAMPORTS)
        for n in range(1, USERS + 1):
            uid = f"u{n:04d}"
            wallet = addresses.address(addresses.wallet_label(uid))
            lamports[wallet] = 2 * SOL + n * 10_007
            for mint in addresses.MINTS:
                account = addresses.token_account(wallet, mint)
                owners[account] = (wallet, mint)
                opening[account] = OPENING[mint] * (1_000 if uid == WHALE else 1)
        for account in opening:
            lamports[account] = operations.TOKEN_ACCOUNT_RENT
        return World(
            start=book.start,
            end=book.end,
            seed=self.seed,
            users=tuple(sorted(self.users.users.values(), key=lambda u: u.created_at)),
            matches=tuple(game.frozen() for game in self.matches.games.values()),
            ledger=tuple(book.ledger),
            actions=tuple(sorted(book.actions, key=lambda action: action.at)),
            transactions=tuple(book.transactions),
            opening_tokens=opening,
            token_owners=owners,
            opening_lamports=lamports,
        )

    def _launch(self, ms: int) -> None:
        calls = [operations.initialize(mint, 500) for mint in addresses.MINTS]
        self.book.submit(ms, addresses.FEE_PAYER, ("fee_payer", "authority"), calls)
