"""The simulated exchange of in-app units to tokens: requests as documents, payments on the chain, a way by hand.

Example::

    exchange = build_exchange_world(START, days=2, seed=7)
    exchange.world.transactions, exchange.requests[0].status
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from sandbox import addresses as a
from sandbox import operations
from sandbox.book import Book
from sandbox.genesis import SOL
from sandbox.model import Call, EventPlan, Rent, TokenMove, World
from sandbox.operations import TOKEN_ACCOUNT_RENT
from sandbox.simulation import OPENING_LAMPORTS

PROGRAM = "token_exchange"
REQUESTS_A_DAY = 70
USERS = 25
REQUEST_RENT = 1_670_400  # rent-exempt minimum of 112 bytes
RATES = {a.USDC_MINT: (2_500, 2_600), a.SKILL_MINT: (10_000, 9_700)}  # base units a unit, on even and odd days
POOLS = a.TREASURY_ACCOUNTS  # mint -> token account that requests are paid from
REASONS = ("PoolEmpty", "LimitExceeded", "Timeout", "Refused")
ALREADY_PAID = (6000, "AlreadyPaid")


@dataclass(frozen=True)
class RequestState:
    """What a request's document says from `at` on. `tokens` are base units of the request's mint."""

    at: datetime
    status: str  # requested | completed | failed | fallback
    reason: str | None
    tokens: int | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Request:
    """One request with its whole history, oldest first; `deleted_at` where its document was deleted."""

    request_id: str
    uid: str
    mint: str
    units: int
    rate: int  # base units a unit
    created_at: datetime
    states: tuple[RequestState, ...]
    deleted_at: datetime | None = None

    @property
    def last(self) -> RequestState:
        """The state that counts."""
        return self.states[-1]


@dataclass(frozen=True)
class Exchange:
    """The chain's world and the requests, by id."""

    world: World
    requests: tuple[Request, ...]


class ExchangeBook(Book):
    """Books that keep no balances: the chain's own ledger refuses what the pool doesn't hold."""

    def _move(self, kind: str, match_id: str | None, mint: str, amount: int, uid: str | None) -> None:
        if kind != "exchange_completed":
            raise ValueError(f"no such money event: {kind}")


def build_exchange_world(start: datetime, days: int, seed: int) -> Exchange:
    """Simulate the platform over [start, start + days). The same arguments give the same world, value for value."""
    book = ExchangeBook(start, days, Random(f"token_exchange:{seed}"), POOLS)
    requests = _Requests(book)
    requests.plan()
    book.run()
    wallets = [_wallet(f"x{n:02d}") for n in range(1, USERS + 1)]
    accounts = {a.token_account(wallet, mint): (wallet, mint) for wallet in wallets for mint in a.MINTS}
    lamports = {**OPENING_LAMPORTS, a.EVENT_AUTHORITIES[PROGRAM]: 0}
    lamports |= dict.fromkeys(wallets, SOL) | dict.fromkeys(accounts, TOKEN_ACCOUNT_RENT)
    world = World(
        start=book.start,
        end=book.end,
        seed=seed,
        users=(),
        matches=(),
        ledger=tuple(book.ledger),
        actions=(),
        transactions=tuple(book.transactions),
        opening_tokens=dict.fromkeys(accounts, 0),
        token_owners={**accounts, **{POOLS[mint]: (a.TREASURY, mint) for mint in a.MINTS}},
        opening_lamports=lamports,
        program=PROGRAM,
    )
    return Exchange(world, tuple(requests.made[key] for key in sorted(requests.made)))


def _wallet(uid: str) -> str:
    return a.address(a.wallet_label(uid))


class _Requests:
    """Makes, pays, fails and hands over requests. Times are ms since the start."""

    def __init__(self, book: ExchangeBook) -> None:
        self.book, self.rng = book, book.rng
        self.made: dict[str, Request] = {}

    def plan(self) -> None:
        """Schedule the requests of the window; none in the first hour, a few in its last minutes."""
        days = (self.book.end - self.book.start).days
        times = [
            day * 86_400_000 + self.rng.randint(3_600_000 if day == 0 else 0, 86_399_999)
            for day in range(days)
            for _ in range(REQUESTS_A_DAY)
        ]
        times += [self.book.horizon - self.rng.randint(1_000, 40_000) for _ in range(3)]
        for n, ms in enumerate(sorted(times), start=1):
            self.book.later(ms, self._request, n)

    def _submit(self, ms: int, call: Call, entries: Sequence[tuple] = (), signer: str = "authority") -> None:
        sent = replace(call, channel="log" if call.error else self.book.channel())
        self.book.submit(ms, a.FEE_PAYER, ("fee_payer", *dict.fromkeys(("authority", signer))), [sent], entries)

    def _request(self, ms: int, n: int) -> None:
        mint = self.rng.choices(a.MINTS, (6, 4))[0]
        units, uid = self.rng.randint(20, 900), f"x{self.rng.randint(1, USERS):02d}"
        at, rate = self.book.when(ms), RATES[mint][ms // 86_400_000 % 2]
        key = f"r{n:05d}"
        self.made[key] = Request(key, uid, mint, units, rate, at, (RequestState(at, "requested", None, None, None),))
        self._submit(ms, _request_exchange(self.made[key]))
        draw = self.rng.random()
        if draw < 0.70:
            self.book.later(ms + self.book.span(20, 900), self._complete, key)
        elif draw < 0.82:
            self.book.later(ms + self.book.span(60, 3_600), self._fail, key)
        elif draw < 0.94:
            self.book.later(ms + self.book.span(1_800, 90_000), self._fall_back, key)
        # the others stay open

    def _end(self, ms: int, key: str, status: str, reason: str | None, tokens: int | None) -> None:
        request = self.made[key]
        state = RequestState(self.book.when(ms + 2_000), status, reason, tokens, self.book.when(ms))
        self.made[key] = replace(request, states=(*request.states, state))

    def _complete(self, ms: int, key: str) -> None:
        request = self.made[key]
        amount = request.units * request.rate
        entry = ("exchange_completed", key, request.mint, amount, request.uid)
        self._submit(ms, _complete_exchange(request, amount), [entry], "treasury")
        self._end(ms, key, "completed", None, amount)
        if self.rng.random() < 0.05:  # paid twice: the second one logs its event and then fails
            again = replace(_complete_exchange(request, amount), error=ALREADY_PAID)
            self.book.later(ms + 5_000, self._submit, again, (), "treasury")
        if int(key[1:]) % 20 == 3:
            gone = self.book.when(ms + 60_000)
            self.made[key] = replace(self.made[key], deleted_at=gone)

    def _fail(self, ms: int, key: str) -> None:
        reason = self.rng.choice(REASONS)
        self._submit(ms, _closed("fail_exchange", "ExchangeFailed", self.made[key], reason))
        self._end(ms, key, "failed", reason, None)
        if self.rng.random() < 0.3:  # somebody takes it up again, hours later: the failure is undone
            self.book.later(ms + self.book.span(3_600, 50_000), self._fall_back, key)

    def _fall_back(self, ms: int, key: str) -> None:
        reason = self.rng.choice(REASONS)
        self._submit(ms, _closed("fall_back", "FallbackUsed", self.made[key], reason))
        self.book.later(ms + self.book.span(30, 600), self._pay_by_hand, key, reason)

    def _pay_by_hand(self, ms: int, key: str, reason: str) -> None:
        request = self.made[key]
        amount = request.units * request.rate
        target = a.token_account(_wallet(request.uid), request.mint)
        move = TokenMove(POOLS[request.mint], target, a.TREASURY, request.mint, amount)
        by_hand = operations.token_transfer(move)
        self.book.submit(ms, a.TREASURY, ("treasury",), [by_hand])
        self._end(ms, key, "fallback", reason, amount)


def _request_exchange(request: Request) -> Call:
    args = {"request_id": request.request_id, "user": _wallet(request.uid), "units": request.units}
    accounts = {"operator": a.AUTHORITY, "request": _account(request), "system_program": a.SYSTEM_PROGRAM}
    rents = (Rent(a.AUTHORITY, accounts["request"], REQUEST_RENT),)
    return _call("request_exchange", args, accounts, EventPlan("ExchangeRequested", args), rents=rents)


def _complete_exchange(request: Request, amount: int) -> Call:
    wallet, pool = _wallet(request.uid), POOLS[request.mint]
    target = a.token_account(wallet, request.mint)
    args = {"request_id": request.request_id, "user": wallet, "units": request.units, "amount": amount}
    accounts = {
        "operator": a.AUTHORITY,
        "request": _account(request),
        "user_token_account": target,
        "pool_authority": a.TREASURY,
        "mint": request.mint,
        "pool": pool,
        "token_program": a.TOKEN_PROGRAM,
    }
    event = EventPlan("ExchangeCompleted", {**args, "mint": request.mint, "pool": pool})
    move = TokenMove(pool, target, a.TREASURY, request.mint, amount)
    return _call("complete_exchange", args, accounts, event, moves=(move,))


def _closed(instruction: str, event: str, request: Request, reason: str) -> Call:
    variant = {reason: {"code": 7} if reason == "Refused" else {}}
    args = {"request_id": request.request_id, "reason": variant}
    return _call(instruction, args, {"operator": a.AUTHORITY, "request": _account(request)}, EventPlan(event, args))


def _account(request: Request) -> str:
    return a.program_address(b"request", request.request_id.encode(), program=PROGRAM)


def _call(
    instruction: str, args: Mapping[str, Any], accounts: Mapping[str, str], event: EventPlan, **what: Any
) -> Call:
    emitter = {"event_authority": a.EVENT_AUTHORITIES[PROGRAM], "program": a.ANCHOR_PROGRAMS[PROGRAM]}
    return Call(PROGRAM, instruction, args, {**accounts, **emitter}, events=(event,), **what)
