"""Read months of the chain, in windows from the newest to the oldest, so that each continues where the last one ended.

Requests of a window go out side by side, within each provider's own limits; memory holds one window's signatures. A
window that is covered already is skipped, so an interrupted backfill goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from ingestion import run
from ingestion.base import Source
from ingestion.solana.history.coverage import read_coverage
from warehouse.config import Config
from warehouse.window import Window


@dataclass(frozen=True)
class Step:
    """What became of one window. `rows` counts raw rows; 0 for a window that was `skipped`."""

    window: Window
    rows: int
    skipped: bool


def backfill(config: Config, source: Source, window: Window, chunk: timedelta, run_id: str) -> Iterator[Step]:
    """Land, load and verify a window chunk by chunk, newest first.

    Raises SourceUnavailable where a chunk can't be completed; the chunks before it are done and stay done.
    """
    for part in chunks(window, chunk):
        context = run.context(config)
        if is_covered(part, read_coverage(context), config.own.own_addresses()):
            yield Step(part, 0, skipped=True)
            continue
        run.land(source, part, context, run_id)
        rows = run.load(source, part, run.context(config), run_id).rows
        rows += run.verify(source, part, run.context(config), run_id).rows
        yield Step(part, rows, skipped=False)


def chunks(window: Window, chunk: timedelta) -> Iterator[Window]:
    """The window in pieces, newest first; the oldest may be shorter."""
    end = window.end
    while end > window.start:
        start = max(window.start, end - chunk)
        yield Window(start, end)
        end = start


def is_covered(window: Window, coverage: dict, addresses: set[str]) -> bool:
    """Whether one interval of every address holds the whole window."""
    return all(
        any(
            (interval.reaches_first or (interval.from_time is not None and interval.from_time <= window.start))
            and interval.to_time is not None
            and interval.to_time >= window.end
            for interval in coverage.get(address, ())
        )
        for address in addresses
    )
