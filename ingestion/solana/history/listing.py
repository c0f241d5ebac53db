"""List the signatures of an address over a gap of its coverage, and compare what several providers list.

Pages come newest first. The next page is asked for from the last entry above the lowest slot seen, so that slot is
listed again as a whole: a page whose entries are out of order, or that ends within a slot, hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.errors import SourceUnavailable
from ingestion.solana.history.coverage import Gap, Interval
from ingestion.solana.records import instant

Entry = Mapping[str, Any]
"""An entry of getSignaturesForAddress."""

Pages = Callable[[str | None], Sequence[Entry]]
"""The page below a signature (None: the newest), as one provider lists it."""


class ListingFailed(SourceUnavailable):
    """A provider could not list the gap to its end."""


@dataclass(frozen=True)
class Tip:
    """The chain's end as one provider knows it. `time`: block time of the slot, None where it is not stated."""

    slot: int
    time: datetime | None


@dataclass(frozen=True)
class Listing:
    """What one provider lists in a gap. `interval` is covered once the transactions of `entries` are held."""

    provider: str
    interval: Interval
    entries: Mapping[str, Entry]


@dataclass(frozen=True)
class Omission:
    """A signature that `provider` does not list although `held_by` does, inside what both have listed."""

    provider: str
    held_by: str
    entry: Entry


def list_gap(provider: str, gap: Gap, tip: Tip, until: datetime | None, first_slot: int, pages: Pages) -> Listing:
    """List a gap. `until`: entries from this block time on are left for a later window (None: up to the tip).

    `first_slot` is the first that the provider keeps: a listing that ends reaches the address's first transaction only
    where it is 0. Raises ListingFailed.
    """
    is_at_tip = gap.ceiling is None or gap.ceiling >= tip.slot
    ceiling = tip.slot if is_at_tip else gap.ceiling
    ceiling_time = tip.time if is_at_tip else None
    inside: dict[str, Entry] = {}
    bottom, since = first_slot, None
    for entry in _entries(gap.before, pages):
        slot, when = entry["slot"], instant(entry["blockTime"])
        if gap.floor is not None and slot <= gap.floor:
            bottom = gap.floor + 1
            break
        if gap.floor is None and gap.since is not None and when is not None and when < gap.since:
            bottom, since = slot + 1, gap.since
            break
        if slot > ceiling:
            continue
        if until is not None and when is not None and when >= until:
            ceiling, ceiling_time = min(ceiling, slot - 1), until
            continue
        inside[entry["signature"]] = entry
    ordered = _oldest_first(inside)
    interval = Interval(
        from_slot=bottom,
        to_slot=ceiling,
        from_time=since,
        to_time=ceiling_time,
        oldest=ordered[0] if ordered else None,
        newest=ordered[-1] if ordered else None,
        providers=frozenset({provider}),
    )
    return Listing(provider, interval, inside)


def _oldest_first(entries: Mapping[str, Entry]) -> list[str]:
    """Signatures by rising slot; within a slot the listing's order, which is newest first, turned round."""
    ordered = list(entries)[::-1]
    ordered.sort(key=lambda signature: entries[signature]["slot"])
    return ordered


def _entries(before: str | None, pages: Pages) -> Iterator[Entry]:
    """Every entry below a signature once, newest slot first. Raises ListingFailed when the pages don't move on."""
    seen: set[str] = set()
    while page := pages(before):
        fresh = {entry["signature"]: entry for entry in page if entry["signature"] not in seen}
        seen.update(fresh)
        yield from sorted(fresh.values(), key=lambda entry: -entry["slot"])
        following = _below(page) if fresh else page[-1]["signature"]
        if following == before:
            raise ListingFailed("the same page came twice, the listing does not end")
        before = following


def _below(page: Sequence[Entry]) -> str:
    """Signature to go on below: the last entry above the page's lowest slot, so that this slot is listed again."""
    lowest = min(entry["slot"] for entry in page)
    return next((entry["signature"] for entry in reversed(page) if entry["slot"] > lowest), page[-1]["signature"])


def united(listings: Sequence[Listing]) -> tuple[dict[str, Entry], list[Omission]]:
    """What several providers list of one gap together, and what each of them left out."""
    entries: dict[str, Entry] = {}
    for listing in listings:
        entries = {**listing.entries, **entries}
    return entries, list(_omissions(listings))


def _omissions(listings: Sequence[Listing]) -> Iterator[Omission]:
    for listing in listings:
        held: dict[str, tuple[str, Entry]] = {}
        for other in listings:
            for signature, entry in other.entries.items():
                if signature not in listing.entries:
                    held.setdefault(signature, (other.provider, entry))
        for other_name, entry in held.values():
            if listing.interval.from_slot <= entry["slot"] <= listing.interval.to_slot:
                yield Omission(listing.provider, other_name, entry)
