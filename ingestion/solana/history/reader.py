"""Read the chain through the pool: what each provider lists of an address, and transactions by signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ingestion.errors import SourceUnavailable
from ingestion.solana.history.coverage import Gap
from ingestion.solana.history.listing import Entry, Listing, ListingFailed, Tip, list_gap
from ingestion.solana.records import instant
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.answers import Answer
from ingestion.solana.rpc.pool import AllProvidersDown, RpcPool
from warehouse.window import Window

CHUNK = 200
"""Transactions of one landed object."""

TAIL = timedelta(hours=2)
"""A window that ends this near to the tip is read on to the tip, where the reported balances close the proof."""


class WindowIncomplete(SourceUnavailable):
    """The window could not be read completely; it stays open for the next run."""


@dataclass
class ChainReader:
    """One attempt's view of the chain. `providers`: in the order in which they are asked; `healthy`: no last resort."""

    pool: RpcPool
    providers: Sequence[str]
    listings: int
    healthy: Sequence[str] = ()
    _tips: dict[str, Tip] = field(default_factory=dict)
    _first_slots: dict[str, int] = field(default_factory=dict)

    def list(
        self, address: str, gap: Gap, window: Window, among: Sequence[str] | None = None, wanted: int | None = None
    ) -> list[Listing]:
        """What `wanted` providers list of a gap; fewer where others fail, none where the chain has not moved on.

        Raises WindowIncomplete when every provider failed.
        """
        found: list[Listing] = []
        reasons: list[str] = []
        reached = False
        for name in among or self.providers:
            if len(found) == (wanted or self.listings):
                break
            try:
                tip, first_slot = self.tip(name), self._first_slot(name)
                if _is_beyond(gap, tip, first_slot):
                    reached = True
                    continue
                pages = self._pages(name, address, tip.slot)
                listing = list_gap(name, gap, tip, _until(gap, tip, window), first_slot, pages)
                if listing.interval.from_slot <= listing.interval.to_slot:
                    found.append(listing)
                else:
                    reached = True
            except (ListingFailed, AllProvidersDown) as error:
                reasons.append(f"{name}: {error}")
        if reasons and not found and not reached:
            raise WindowIncomplete(f"no provider lists the signatures of {address}: {'; '.join(reasons)}")
        return found

    def tip(self, name: str) -> Tip:
        """Last finalized slot of a provider. Raises ListingFailed, AllProvidersDown."""
        if name not in self._tips:
            slot = self._one(name, requests.slot())
            (answer,) = self.pool.ask([requests.block_time(slot)], among=[name])
            self._tips[name] = Tip(slot, instant(answer.result))
        return self._tips[name]

    def transactions(self, signatures: Iterable[str]) -> Iterator[list[tuple[str, Answer]]]:
        """Answers to getTransaction, a chunk at a time."""
        rest = iter(signatures)
        while chunk := list(islice(rest, CHUNK)):
            answers = self.pool.ask([requests.transaction(signature) for signature in chunk])
            yield list(zip(chunk, answers, strict=True))

    def unfinalized(self, address: str) -> tuple[Tip, list[Entry]]:
        """A provider's tip, and of its newest page what is confirmed and not final, from the first that tells.

        Raises WindowIncomplete when none does: unknown is not "nothing is pending".
        """
        reasons: list[str] = []
        for name in self.providers:
            try:
                tip = self.tip(name)
                entries = self._one(name, requests.signatures(address, commitment="confirmed"))
            except (AllProvidersDown, ListingFailed) as error:
                reasons.append(f"{name}: {error}")
                continue
            return tip, [entry for entry in entries if entry.get("confirmationStatus") not in (None, "finalized")]
        raise WindowIncomplete(f"no provider tells what is pending of {address}: {'; '.join(reasons)}")

    def _first_slot(self, name: str) -> int:
        """Lowest slot that a provider keeps; 1 where it doesn't tell, so that its listings prove no beginning."""
        if name not in self._first_slots:
            (answer,) = self.pool.ask([requests.first_available_block()], among=[name])
            self._first_slots[name] = answer.result if answer.outcome == "ok" else 1
        return self._first_slots[name]

    def _pages(self, name: str, address: str, least_slot: int) -> Any:
        def page(before: str | None) -> Sequence[Entry]:
            entries = self._one(name, requests.signatures(address, before, min_context_slot=least_slot))
            if not entries and before is not None:  # a node that doesn't know the signature has nothing below it either
                self._one(name, requests.transaction(before))
            return entries

        return page

    def _one(self, name: str, request: requests.Request) -> Any:
        (answer,) = self.pool.ask([request], among=[name])
        if answer.outcome != "ok":
            raise ListingFailed(f"{request.method}: {answer.outcome} (code {answer.code})")
        return answer.result


def _is_beyond(gap: Gap, tip: Tip, first_slot: int) -> bool:
    """Whether the gap lies outside what the provider keeps: above its tip, or below its first block."""
    if gap.floor is not None and tip.slot <= gap.floor:
        return True
    return gap.ceiling is not None and first_slot > gap.ceiling


def _until(gap: Gap, tip: Tip, window: Window) -> datetime | None:
    """Block time from which on entries are left for a later window; None: the gap is read up to its top."""
    if gap.ceiling is not None:
        return window.end if gap.floor is None else None
    return None if tip.time is None or tip.time - window.end <= TAIL else window.end
