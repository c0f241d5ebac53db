"""Prove the balances of the platform's accounts from what the warehouse holds: which slots, how it ended, each break.

What is proved stays proved: a run proves the covered slots that no earlier proof has, and links them to the proofs on
both sides. A stretch with a break is proved again by every run until it is repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from ingestion.base import Context
from ingestion.solana.account_rows import NATIVE_DECIMALS
from ingestion.solana.history.coverage import Interval, earliest_time, merged, read_intervals
from ingestion.solana.proof.continuity import Break, Continuity, Move, closed_at, follow
from ingestion.solana.proof.inputs import (
    EPOCH,
    Account,
    Reported,
    Segment,
    contradicted_slots,
    moves_of,
    proved_segments,
    reported_balances,
    watched,
)


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
    listed, proved, reported = read_intervals(ctx), proved_segments(ctx), reported_balances(ctx, accounts)
    contradicted = contradicted_slots(ctx)
    proofs = []
    for account in accounts:
        key, balance = (account.address, account.kind), reported.get(account)
        segments = still_proved(proved.get(key, []), balance)
        intervals = listed.get(account.address, [])
        for first, last in unproved(merged(intervals), segments):
            proof = prove(ctx, account, first, last, balance, segments, earliest_time(intervals, first))
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
    since: datetime | None = None,
) -> Proof | None:
    """Prove one stretch, linked to the proved segments that touch it; None for an account that is not there.

    `balance`: the newest that the chain reported; it counts where its slot is inside. `since`: no block of the stretch
    lies before it.
    """
    below = next((item for item in segments if item.to_slot == first - 1), None)
    above = next((item for item in segments if item.from_slot == last + 1), None)
    opening, source = _opening(first, below)
    reported = balance if balance is not None and first <= balance.slot <= last else None
    rows = list(moves_of(ctx, account, first, last, since.date() if since else EPOCH))
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
    following = next(moves_of(ctx, account, above.from_slot, above.to_slot), None)
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
    rows = list(moves_of(ctx, account, 0, first - 1))
    if not rows:
        return item
    last = rows[-1]
    return Break(
        last["signature"], last["slot"], item.before, item.before_slot, item.expected, item.found, last["slot"]
    )


def _unit(ctx: Context, account: Account, rows: Iterable[Mapping[str, Any]]) -> tuple[str | None, int | None]:
    """(mint, decimals) of the amounts."""
    if account.kind == "native":
        return None, NATIVE_DECIMALS
    for row in rows:
        return row["mint"], row["decimals"]
    mint = next((vault.mint for vault in ctx.config.own.vaults if vault.address == account.address), None)
    known = ctx.config.mints.get(mint) if mint else None
    return mint, known.decimals if known else None
