"""The proof that no transaction of an account is missing: each one's balance before equals the last one's after.

Within a slot the order of transactions is not told by every provider, and need not be: the transactions of a slot are
steps from balance to balance, and none is missing exactly when they form one walk that begins at the balance before
the slot and takes each step once (an Euler walk). So the proof depends on no provider's word on the order.

Example::

    follow([Move("a", 7, 0, 5), Move("b", 9, 8, 9)], opening=0).breaks   # 5 after a, 8 before b: 3 came in between
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Move:
    """A transaction as an account sees it: base units or lamports before and after it."""

    signature: str
    slot: int
    pre: int
    post: int


@dataclass(frozen=True)
class Break:
    """Two neighbouring states of an account that don't agree: what lies between them is missing.

    `after` is the last transaction before the break, None at the beginning; `before` the first one behind it, None for
    the balance that the chain reports at `before_slot`. `from_slot` is the lowest slot that the missing ones may be in:
    below `after_slot` where transactions of one slot lead back to where they began, and so fit anywhere.
    """

    after: str | None
    after_slot: int | None
    before: str | None
    before_slot: int
    expected: int
    found: int
    from_slot: int = 0

    @property
    def amount(self) -> int:
        """Base units or lamports that the missing transactions moved in sum."""
        return self.found - self.expected


@dataclass(frozen=True)
class Continuity:
    """What following an account gave. `closing`: the balance after the last transaction; None without opening.

    `sure_slot`: up to there the closing balance rests on transactions that fit nowhere else.
    """

    opening: int | None
    closing: int | None
    last: Move | None
    transactions: int
    breaks: tuple[Break, ...]
    sure_slot: int = 0


def follow(moves: Iterable[Move], opening: int | None, opened_by: Move | None = None) -> Continuity:
    """Follow an account through its transactions, given by rising slot (any order within a slot).

    `opening` is the balance before the first; None takes the one that the first states. `opened_by` is the transaction
    that left it, where one is known. Holds one slot's transactions at a time.
    """
    balance, last = opening, opened_by
    sure = opened_by.slot if opened_by else 0
    breaks: list[Break] = []
    count = 0
    for slot, group in groupby(moves, key=lambda move: move.slot):
        before_slot, walks = balance, list(_walks(list(group), balance))
        for walk in walks:
            first = walk[0]
            if balance is None:
                opening = balance = first.pre
            if first.pre != balance:
                after, after_slot = (last.signature, last.slot) if last else (None, None)
                breaks.append(Break(after, after_slot, first.signature, slot, balance, first.pre, sure))
            balance, last = walk[-1].post, walk[-1]
            count += len(walk)
        if len(walks) > 1 or len(walks[0]) == 1 or balance != before_slot:
            sure = slot
    return Continuity(opening, balance, last, count, tuple(breaks), sure)


def closed_at(found: Continuity, reported: int, slot: int) -> Break | None:
    """The break between the last transaction and the balance that the chain reports at a slot; None when they agree."""
    if found.closing is None or found.closing == reported:
        return None
    after, after_slot = (found.last.signature, found.last.slot) if found.last else (None, None)
    return Break(after, after_slot, None, slot, found.closing, reported, found.sure_slot)


def _walks(moves: Sequence[Move], start: int | None) -> Iterator[list[Move]]:
    """The moves of one slot as walks, each move in exactly one; a single walk from `start` when none is missing."""
    if len(moves) == 1:
        yield list(moves)
        return
    leaving: defaultdict[int, deque[Move]] = defaultdict(deque)
    surplus: defaultdict[int, int] = defaultdict(int)
    for move in sorted(moves, key=lambda item: item.signature):
        leaving[move.pre].append(move)
        surplus[move.pre] += 1
        surplus[move.post] -= 1
    left = len(moves)
    while left:
        if start is None or not leaving[start]:
            open_ends = [value for value in leaving if leaving[value]]
            start = max(open_ends, key=lambda value: (surplus[value] > 0, -value))
        walk = _walk(start, leaving)
        for move in walk:
            surplus[move.pre] -= 1
            surplus[move.post] += 1
        left -= len(walk)
        yield walk
        start = walk[-1].post


def _walk(start: int, leaving: defaultdict[int, deque[Move]]) -> list[Move]:
    """The longest walk from `start`: on until stuck, with every loop that hangs on it taken in on the way."""
    walk = _straight(start, leaving)
    at = 0
    while at < len(walk):
        while leaving[walk[at].pre]:
            loop = _straight(walk[at].pre, leaving)
            if loop[-1].post != walk[at].pre:  # it ends elsewhere, so it is no loop: leave it to another walk
                for move in reversed(loop):
                    leaving[move.pre].appendleft(move)
                break
            walk[at:at] = loop
        at += 1
    return walk


def _straight(start: int, leaving: defaultdict[int, deque[Move]]) -> list[Move]:
    walk: list[Move] = []
    while leaving[start]:
        walk.append(leaving[start].popleft())
        start = walk[-1].post
    return walk
