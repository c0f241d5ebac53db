"""Which slots of which address are held completely: the cursors of the Solana source, kept in the warehouse.

An interval says that every finalized signature of an address in its slots is held. It is written only after its
transactions are landed, so a run that is killed leaves a hole, and a hole is work for the next run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, BinaryIO

from google.cloud.bigquery import ScalarQueryParameter

from ingestion.base import Context, LandedObject, Row
from ingestion.solana.records import record_rows
from warehouse.window import Window, format_instant

_READ = """
    select address, from_slot, to_slot, from_time, to_time, oldest_signature, newest_signature, providers
    from raw.solana_coverage
"""
_ABOVE = """
    select signature from raw.solana_signatures
    where address = @address and slot > @slot
    order by slot limit 1
"""


@dataclass(frozen=True)
class Interval:
    """Slots [from_slot, to_slot], both inside. `from_slot` 0: it reaches the address's first transaction.

    Every transaction with a block time in [from_time, to_time) is inside; None where the chain states no time.
    """

    from_slot: int
    to_slot: int
    from_time: datetime | None
    to_time: datetime | None
    oldest: str | None = None
    newest: str | None = None
    providers: frozenset[str] = frozenset()

    @property
    def reaches_first(self) -> bool:
        """Whether nothing of the address lies before it."""
        return self.from_slot == 0


@dataclass(frozen=True)
class Gap:
    """What an address's coverage lacks: the slots above `floor` up to `ceiling`, or back to `since`.

    Listing begins below the signature `before` (None: at the newest). `ceiling` None: up to the chain's tip; `floor`
    None: no interval lies below, so it ends where block times fall below `since`.
    """

    before: str | None
    ceiling: int | None
    floor: int | None
    since: datetime | None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The union, lowest first; intervals that touch become one."""
    union: list[Interval] = []
    for interval in sorted(intervals, key=lambda item: (item.from_slot, item.to_slot)):
        last = union[-1] if union else None
        if last is None or interval.from_slot > last.to_slot + 1:
            union.append(interval)
        elif interval.to_slot > last.to_slot:
            union[-1] = replace(
                last,
                to_slot=interval.to_slot,
                to_time=interval.to_time,
                oldest=last.oldest or interval.oldest,
                newest=interval.newest or last.newest,
            )
        elif interval.to_slot == last.to_slot and last.to_time is None:  # a second look states no time of its own
            union[-1] = replace(last, to_time=interval.to_time)
    return union


def gaps(intervals: Sequence[Interval], window: Window) -> list[Gap]:
    """What is missing between the lowest covered slot, or the window's start, and the window's end; newest first."""
    if not intervals:
        return [Gap(None, None, None, window.start)]
    missing = []
    top, bottom = intervals[-1], intervals[0]
    if top.to_time is None or top.to_time < window.end:
        missing.append(Gap(None, None, top.to_slot, None))
    for lower, upper in reversed(list(pairwise(intervals))):
        missing.append(Gap(upper.oldest, upper.from_slot - 1, lower.to_slot, None))
    if not bottom.reaches_first and (bottom.from_time is None or bottom.from_time > window.start):
        missing.append(Gap(bottom.oldest, bottom.from_slot - 1, None, window.start))
    return missing


@dataclass(frozen=True)
class Stretch:
    """Slots [from_slot, to_slot] that only `witnesses` have listed."""

    from_slot: int
    to_slot: int
    witnesses: frozenset[str]


def owed(intervals: Sequence[Interval], wanted: int) -> list[Stretch]:
    """Covered slots that fewer than `wanted` providers have listed: what one left out, nobody has noticed there."""
    names = sorted({name for item in intervals for name in item.providers})
    islands = {name: merged(item for item in intervals if name in item.providers) for name in names}
    edges = sorted({edge for held in islands.values() for item in held for edge in (item.from_slot, item.to_slot + 1)})
    stretches: list[Stretch] = []
    for first, behind in pairwise(edges):
        witnesses = frozenset(
            name for name, held in islands.items() if any(item.from_slot <= first <= item.to_slot for item in held)
        )
        if not 0 < len(witnesses) < wanted:
            continue
        last = stretches[-1] if stretches else None
        if last is not None and last.to_slot + 1 == first and last.witnesses == witnesses:
            stretches[-1] = replace(last, to_slot=behind - 1)
        else:
            stretches.append(Stretch(first, behind - 1, witnesses))
    return stretches


def between(ctx: Context, address: str, from_slot: int, to_slot: int) -> Gap:
    """The gap of these slots, to be listed from the first signature above them that is held, or from the newest."""
    parameters = [ScalarQueryParameter("address", "STRING", address), ScalarQueryParameter("slot", "INT64", to_slot)]
    above = next(iter(ctx.query(_ABOVE, parameters)), None)
    return Gap(above["signature"] if above else None, to_slot, from_slot - 1, None)


def read_coverage(ctx: Context) -> dict[str, list[Interval]]:
    """Merged intervals by address."""
    return {address: merged(intervals) for address, intervals in read_intervals(ctx).items()}


def earliest_time(intervals: Iterable[Interval], slot: int) -> datetime | None:
    """A time that no block from `slot` on lies before: the latest one that an interval below ends with."""
    return max((item.to_time for item in intervals if item.to_slot < slot and item.to_time is not None), default=None)


def read_intervals(ctx: Context) -> dict[str, list[Interval]]:
    """Intervals by address, each as it was listed."""
    held: dict[str, list[Interval]] = {}
    for row in ctx.query(_READ):
        interval = Interval(
            row["from_slot"],
            row["to_slot"],
            row["from_time"],
            row["to_time"],
            row["oldest_signature"],
            row["newest_signature"],
            frozenset(json.loads(row["providers"])),
        )
        held.setdefault(row["address"], []).append(interval)
    return held


def coverage_line(
    address: str, interval: Interval, signatures: int, covered_at: datetime, attempt_id: str
) -> dict[str, Any]:
    """The landed record of an interval that its provider listed."""
    return {
        "address": address,
        "from_slot": interval.from_slot,
        "to_slot": interval.to_slot,
        "from_time": _text(interval.from_time),
        "to_time": _text(interval.to_time),
        "oldest_signature": interval.oldest,
        "newest_signature": interval.newest,
        "signatures": signatures,
        "providers": sorted(interval.providers),
        "covered_at": format_instant(covered_at),
        "attempt_id": attempt_id,
    }


def prepare_coverage(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON coverage records."""

    def read(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        columns = record | {"providers": json.dumps(record["providers"])}
        yield "solana_coverage", columns, record["to_time"] or format_instant(landed.window.end)

    return record_rows(landed, stream, "not_coverage", "the line is no coverage record", read)


def _text(when: datetime | None) -> str | None:
    return None if when is None else format_instant(when)
