"""Values of the simulated world: who the users are, what was played, and every base unit that moved.

All times are timezone-aware UTC datetimes; all amounts are ints in a mint's base units; all addresses are base58.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox import addresses

BASE_SLOT = 300_000_000  # slot of the window's first instant; 2.5 slots a second from there
MONEY_KINDS = ("deposit", "entry", "prize_distributed", "fee_collected", "refund", "withdrawal")


@dataclass(frozen=True)
class KycChange:
    """A user's KYC tier (0..3) became `new_tier` at `at`."""

    at: datetime
    old_tier: int
    new_tier: int


@dataclass(frozen=True)
class FrozenSpan:
    """A user was frozen in [frozen_at, unfrozen_at); None = still frozen at the end."""

    frozen_at: datetime
    unfrozen_at: datetime | None
    reason: str


@dataclass(frozen=True)
class User:
    """One user. email, phone, display_name, ip and wallet are personal values."""

    uid: str
    wallet: str
    email: str
    phone: str
    display_name: str
    ip: str
    created_at: datetime
    kyc_changes: tuple[KycChange, ...]
    frozen_spans: tuple[FrozenSpan, ...]

    def kyc_tier_at(self, at: datetime) -> int:
        """Tier in force at `at`; users start with tier 0."""
        tiers = [change.new_tier for change in self.kyc_changes if change.at <= at]
        return tiers[-1] if tiers else 0

    def frozen_at(self, at: datetime) -> bool:
        """Whether the user was frozen at `at`."""
        return any(s.frozen_at <= at and (s.unfrozen_at is None or at < s.unfrozen_at) for s in self.frozen_spans)


@dataclass(frozen=True)
class PausedSpan:
    """A match was paused in [paused_at, resumed_at); None = still paused at the end."""

    paused_at: datetime
    resumed_at: datetime | None


@dataclass(frozen=True)
class Dispute:
    """A dispute over a match; `resolved_at` and `outcome` (uphold_winner | refund) are None while open."""

    dispute_id: str
    opened_at: datetime
    opened_by: str  # uid
    reason: str
    resolved_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class MatchChange:
    """The state of a match's document from `at` on: one per write to the off-chain store, the first is its creation."""

    at: datetime
    status: str  # created | active | disputed | completed | cancelled
    paused: bool
    players: tuple[str, ...]  # uids in the order they joined
    winner: str | None  # uid
    ended_at: datetime | None


@dataclass(frozen=True)
class Match:
    """One match in its final state, with its whole history in `changes`.

    `mint` is None and `entry_amount` 0 for a free match, which never touches the chain. `ended_at` is set exactly
    when the status is completed or cancelled.
    """

    match_id: str
    kind: str  # paid | free
    mint: str | None
    entry_amount: int
    fee_bps: int
    max_players: int
    players: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    status: str
    winner: str | None
    paused_spans: tuple[PausedSpan, ...]
    disputes: tuple[Dispute, ...]
    changes: tuple[MatchChange, ...]


@dataclass(frozen=True)
class LedgerEntry:
    """One canonical money event. `at` is the block time of its transaction; `uid` is None for the platform's fee."""

    entry_id: str
    at: datetime
    kind: str  # one of MONEY_KINDS
    match_id: str | None
    mint: str
    vault: str
    amount: int
    uid: str | None
    tx_index: int  # index into World.transactions
    slot: int


@dataclass(frozen=True)
class Action:
    """One thing the platform did and must be able to account for: the source of one audit record.

    `stream` is escrow (money; `name` is the canonical kind and `entry_id` is set), matches or accounts. `at` has
    millisecond resolution. `tx_index` is set where a transaction belongs to the action.
    """

    at: datetime
    stream: str
    name: str
    actor: str  # a uid, "authority", "compliance" or "system"
    uid: str | None = None
    match_id: str | None = None
    mint: str | None = None
    amount: int | None = None
    entry_id: str | None = None
    tx_index: int | None = None


@dataclass(frozen=True)
class EventPlan:
    """An Anchor event to be emitted: name and fields as the IDL knows them."""

    name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class TokenMove:
    """An SPL token transfer between two token accounts."""

    source: str
    destination: str
    authority: str
    mint: str
    amount: int


@dataclass(frozen=True)
class Rent:
    """Lamports that move: an account is created (payer -> account), closed (account -> payer), or funded."""

    source: str
    destination: str
    lamports: int
    created: bool = True  # True: an inner System createAccount; False: the program moves the lamports itself


@dataclass(frozen=True)
class Call:
    """One top-level instruction: program, IDL instruction, accounts by IDL name, and what running it does.

    `program` is skill_match, lookalike, or one of Solana's own: token, system, associated_token. `channel`
    says how the events leave: log, cpi or both. `via_executor`: the relayer program is called instead and enters ours
    by CPI.
    """

    program: str
    instruction: str
    args: Mapping[str, Any] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    remaining: tuple[str, ...] = ()  # further writable accounts behind the named ones
    events: tuple[EventPlan, ...] = ()
    moves: tuple[TokenMove, ...] = ()
    rents: tuple[Rent, ...] = ()
    channel: str = "log"
    via_executor: bool = False
    error: tuple[int, str] | None = None  # (Anchor error code, name) where this instruction fails


@dataclass(frozen=True)
class TxPlan:
    """One transaction before encoding. `error` in a call makes the whole transaction fail and roll back."""

    index: int
    at: datetime  # block time
    slot: int
    fee_payer: str
    signers: tuple[str, ...]  # labels for addresses.keypair, fee payer first
    calls: tuple[Call, ...]
    version: str  # "legacy" or "0"
    compute_limit: int | None  # compute budget instructions are present when set
    compute_price: int  # micro-lamports per unit
    entry_ids: tuple[str, ...]

    @property
    def success(self) -> bool:
        return all(call.error is None for call in self.calls)


@dataclass(frozen=True)
class World:
    """Everything that happened in [start, end), each list sorted by time."""

    start: datetime
    end: datetime
    seed: int
    users: tuple[User, ...]
    matches: tuple[Match, ...]
    ledger: tuple[LedgerEntry, ...]
    actions: tuple[Action, ...]
    transactions: tuple[TxPlan, ...]
    opening_tokens: Mapping[str, int]  # token account -> base units it holds before the window
    token_owners: Mapping[str, tuple[str, str]]  # token account -> (owner, mint)
    opening_lamports: Mapping[str, int]  # account -> lamports before the window
    program: str = "skill_match"  # see addresses.ANCHOR_PROGRAMS

    @property
    def tip(self) -> int:
        """The last finalized slot; its block time lies 4 s before the window's end."""
        return self.slot_at(self.end - timedelta(seconds=4))

    def slot_at(self, at: datetime) -> int:
        """The slot being produced at `at`."""
        return BASE_SLOT + round((at - self.start).total_seconds() * 1000) * 5 // 2000

    def block_time(self, slot: int) -> datetime:
        """Block time (whole seconds, UTC) of a slot."""
        return self.start + timedelta(seconds=(slot - BASE_SLOT) * 2 // 5)

    def days(self) -> list[datetime]:
        """The first instant of each UTC day of the window."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    def user(self, uid: str) -> User:
        """The user with this uid. Raises KeyError."""
        return {u.uid: u for u in self.users}[uid]

    def personal_values(self) -> frozenset[str]:
        """Strings that must never leave the restricted circles: e-mails, phones, names, IPs, wallets."""
        return frozenset(v for u in self.users for v in (u.email, u.phone, u.display_name, u.ip, u.wallet))

    def user_token_accounts(self) -> frozenset[str]:
        """Token accounts of the users' wallets; on-chain data that leads straight to a wallet."""
        return frozenset(addresses.token_account(u.wallet, mint) for u in self.users for mint in addresses.MINTS)
