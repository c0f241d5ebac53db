"""Prove the balances of the platform's accounts from what the warehouse holds: which slots, how it ended, each break.

What is proved stays proved: a run proves the covered slots that no earlier proof has, and links them to the proofs on
both sides. A stretch with a break is proved again by every run until it is repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter

from ingestion.base import Context
from ingestion.solana.account_rows import NATIVE_DECIMALS
from ingestion.solana.continuity import Break, Continuity, Move, closed_at, follow
from ingestion.solana.coverage import Interval, read_coverage
from warehouse.config import Platform

_PROOFS = """
    select account, kind, from_slot, to_slot, opening_amount, closing_amount, reported_slot, reported_amount, breaks,
        window_start
    from raw.solana_balance_proofs
    order by proved_at, round, from_slot
"""
_CONTRADICTED = """
    select account, kind, max(before_slot) as slot
    from raw.solana_balance_breaks
    where before_signature is null
    group by account, kind
"""
_REPORTED = """
    select address, kind, slot, amount
    from raw.solana_account_balances
    where address in unnest(@accounts)
    qualify row_number() over (partition by address, kind order by slot desc, _landed_at desc) = 1
"""
_MOVES = {
    "token": """
        select account, signature, min(slot) as slot, min(coalesce(pre_amount, 0)) as pre,
            min(coalesce(post_amount, 0)) as post, min(mint) as mint, min(decimals) as decimals
        from raw.solana_token_balances
        where account = @account and slot between @first and @last and _event_date >= @since
        group by account, signature
        order by slot, signature
    """,
    "native": """
        select account, signature, min(slot) as slot, min(pre_lamports) as pre, min(post_lamports) as post
        from raw.solana_native_balances
        where account = @account and slot between @first and @last and _event_date >= @since
        group by account, signature
        order by slot, signature
    """,
}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Account:
    """A watched balance: an account's tokens or its lamports."""

    address: str
    role: str
    kind: str


@dataclass(frozen=True)
class Reported:
    """What the chain says an account holds at a slot."""

    slot: int
    amount: int


@dataclass(frozen=True)
class Segment:
    """Slots [from_slot, to_slot] of an account, proved without a break. Amounts None: it had no transaction."""

    from_slot: int
    to_slot: int
    opening: int | None
    closing: int | None
    reported: Reported | None = None
    since: date = _EPOCH


@dataclass(frozen=True)
class Proof:
    """One stretch of one account. `result`: proved, broken, or open (continuous, but not closed by a balance yet)."""

    account: Account
    mint: str | None
    decimals: int | None
    from_slot: int
    to_slot: int
    opening_source: str
    found: Continuity
    reported: Reported | None
    breaks: tuple[Break, ...]

    @property
    def result(self) -> str:
        """proved, broken or open."""
        return "broken" if self.breaks else "open" if self.reported is None else "proved"


def watched(own: Platform) -> list[Account]:
    """The platform's own balances."""
    accounts = [Account(vault.address, "vault", kind) for vault in own.vaults for kind in ("token", "native")]
    accounts += [Account(address, "treasury", kind) for address in own.treasury for kind in ("token", "native")]
    accounts += [Account(address, "fee_payer", "native") for address in own.fee_payers]
    return [*dict.fromkeys([*accounts, Account(own.program_id, "program", "native")])]


def unproved(coverage: Sequence[Interval], proved: Sequence[Segment]) -> list[tuple[int, int]]:
    """Slots that are covered and in no proof, lowest first."""
    left = []
    for interval in coverage:
        start = interval.from_slot
        for segment in sorted(proved, key=lambda item: item.from_slot):
            if segment.to_slot < start or segment.from_slot > interval.to_slot:
                continue
            if segment.from_slot > start:
                left.append((start, segment.from_slot - 1))
            start = max(start, segment.to_slot + 1)
        if start <= interval.to_slot:
            left.append((start, interval.to_slot))
    return left


def still_proved(segments: Iterable[Segment], balance: Reported | None) -> list[Segment]:
    """Without those that the newest reported balance may contradict: it lies inside, and is not what they closed at."""
    return [
        segment
        for segment in segments
        if balance is None or not segment.from_slot <= balance.slot <= segment.to_slot or segment.reported == balance
    ]


def prove_open(ctx: Context) -> list[Proof]:
    """Proofs of every watched balance over the covered slots that no earlier proof has, or that one had wrong.

    A stretch whose end contradicted a reported balance is proved only by another reported balance, so it is left out as
    long as none lies inside.
    """
    accounts = watched(ctx.config.own)
    coverage, proved, reported = read_coverage(ctx), _proved(ctx), reported_balances(ctx, accounts)
    contradicted = {(row["account"], row["kind"]): row["slot"] for row in ctx.query(_CONTRADICTED)}
    proofs = []
    for account in accounts:
        key, balance = (account.address, account.kind), reported.get(account)
        segments = still_proved(proved.get(key, []), balance)
        for first, last in unproved(coverage.get(account.address, []), segments):
            proof = prove(ctx, account, first, last, balance, segments)
            if proof is None or (proof.result == "open" and first <= contradicted.get(key, -1) <= last):
                continue
            proofs.append(proof)
    return proofs


def prove(
    ctx: Context,
    account: Account,
    first: int,
    last: int,
    balance: Reported | None,
    segments: Sequence[Segment] = (),
) -> Proof | None:
    """Prove one stretch, linked to the proved segments that touch it; None for an account that is not there.

    `balance`: the newest that the chain reported; it counts where its slot is inside.
    """
    below = next((item for item in segments if item.to_slot == first - 1), None)
    above = next((item for item in segments if item.from_slot == last + 1), None)
    opening, source = _opening(first, below)
    reported = balance if balance is not None and first <= balance.slot <= last else None
    rows = list(_moves(ctx, account, first, last, below.since if below else _EPOCH))
    if not rows and reported is None and opening in (None, 0):
        return None
    moves = [Move(row["signature"], row["slot"], int(row["pre"]), int(row["post"])) for row in rows]
    found, breaks = _followed(moves, opening, reported)
    if above is not None and above.opening is not None and found.closing not in (None, above.opening):
        breaks.append(_link(ctx, account, found, above))
    named = tuple(_named(ctx, account, item, first) for item in breaks)
    mint, decimals = _unit(ctx, account, rows)
    return Proof(account, mint, decimals, first, last, source, found, reported, named)


def _opening(first: int, below: Segment | None) -> tuple[int | None, str]:
    if below is not None and below.closing is not None:
        return below.closing, "proof"
    if first == 0:
        return 0, "zero"
    return None, "first_transaction"


def _followed(moves: Sequence[Move], opening: int | None, reported: Reported | None) -> tuple[Continuity, list[Break]]:
    """Follow the moves; the reported balance is compared at its slot."""
    if reported is None:
        found = follow(moves, opening)
        return found, list(found.breaks)
    until = list(takewhile(lambda move: move.slot <= reported.slot, moves))
    head = follow(until, opening)
    if head.closing is None:  # no transaction yet: the reported balance is what it opens with
        head = Continuity(reported.amount, reported.amount, None, 0, ())
    close = closed_at(head, reported.amount, reported.slot)
    tail = follow(moves[len(until) :], reported.amount, head.last)
    breaks = [*head.breaks, *([close] if close else []), *tail.breaks]
    count = head.transactions + tail.transactions
    last = tail.last if tail.transactions else head.last
    whole = Continuity(head.opening, tail.closing, last, count, tuple(breaks), max(head.sure_slot, tail.sure_slot))
    return whole, breaks


def _link(ctx: Context, account: Account, found: Continuity, above: Segment) -> Break:
    """The break between a stretch and the proved one above it."""
    following = next(_moves(ctx, account, above.from_slot, above.to_slot, _EPOCH), None)
    last = found.last
    assert found.closing is not None
    assert above.opening is not None
    return Break(
        last.signature if last else None,
        last.slot if last else None,
        following["signature"] if following else None,
        following["slot"] if following else above.from_slot,
        found.closing,
        above.opening,
        found.sure_slot,
    )


def _named(ctx: Context, account: Account, item: Break, first: int) -> Break:
    """The break with the last transaction before it, where that belongs to an earlier proof."""
    if item.after is not None or first == 0:
        return item
    rows = list(_moves(ctx, account, 0, first - 1, _EPOCH))
    if not rows:
        return item
    last = rows[-1]
    return Break(
        last["signature"], last["slot"], item.before, item.before_slot, item.expected, item.found, last["slot"]
    )


def _proved(ctx: Context) -> dict[tuple[str, str], list[Segment]]:
    """Segments without a break; a later proof with one takes back what it overlaps."""
    held: dict[tuple[str, str], list[Segment]] = {}
    for row in ctx.query(_PROOFS):
        segments = held.setdefault((row["account"], row["kind"]), [])
        segments[:] = [item for item in segments if item.to_slot < row["from_slot"] or item.from_slot > row["to_slot"]]
        if row["breaks"] == 0:
            reported = row["reported_slot"]
            segments.append(
                Segment(
                    row["from_slot"],
                    row["to_slot"],
                    _integer(row["opening_amount"]),
                    _integer(row["closing_amount"]),
                    None if reported is None else Reported(reported, int(row["reported_amount"])),
                    row["window_start"].date(),
                )
            )
    return held


def reported_balances(ctx: Context, accounts: Sequence[Account]) -> dict[Account, Reported]:
    """The newest balance that the chain reported of each account."""
    known = {(account.address, account.kind): account for account in accounts}
    addresses = ArrayQueryParameter("accounts", "STRING", sorted({account.address for account in accounts}))
    return {
        known[row["address"], row["kind"]]: Reported(row["slot"], int(row["amount"]))
        for row in ctx.query(_REPORTED, [addresses])
        if (row["address"], row["kind"]) in known
    }


def _moves(ctx: Context, account: Account, first: int, last: int, since: date) -> Iterator[Mapping[str, Any]]:
    parameters = [
        ScalarQueryParameter("account", "STRING", account.address),
        ScalarQueryParameter("first", "INT64", first),
        ScalarQueryParameter("last", "INT64", last),
        ScalarQueryParameter("since", "DATE", since),
    ]
    yield from ctx.client.query(_MOVES[account.kind], job_config=QueryJobConfig(query_parameters=parameters)).result()


def _unit(ctx: Context, account: Account, rows: Iterable[Mapping[str, Any]]) -> tuple[str | None, int | None]:
    """(mint, decimals) of the amounts."""
    if account.kind == "native":
        return None, NATIVE_DECIMALS
    for row in rows:
        return row["mint"], row["decimals"]
    mint = next((vault.mint for vault in ctx.config.own.vaults if vault.address == account.address), None)
    known = ctx.config.mints.get(mint) if mint else None
    return mint, known.decimals if known else None


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
