"""Coverage of addresses: unions, gaps, and listings that close an interval at both ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.solana.history.coverage import Gap, Interval, Stretch, earliest_time, gaps, merged, owed
from ingestion.solana.history.listing import Listing, ListingFailed, Omission, Tip, list_gap, united
from warehouse.window import Window

START = datetime(2026, 10, 5, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(seconds=100))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def entry(slot: int, mark: str = "") -> dict:
    """An entry of getSignaturesForAddress: slot n has block time n seconds after the window's start."""
    return {"signature": f"s{slot:05d}{mark}", "slot": slot, "blockTime": int(at(slot).timestamp()), "err": None}


def interval(first: int, last: int, **times: datetime | None) -> Interval:
    return Interval(first, last, times.get("since", at(first)), times.get("until", at(last)), f"o{first}", f"n{last}")


def test_intervals_that_touch_or_overlap_are_one():
    union = merged([interval(50, 60), interval(10, 20), interval(21, 30), interval(15, 25)])
    assert [(item.from_slot, item.to_slot, item.oldest, item.newest) for item in union] == [
        (10, 30, "o10", "n30"),
        (50, 60, "o50", "n60"),
    ]
    assert (union[0].from_time, union[0].to_time) == (at(10), at(30))


def test_an_empty_listing_above_keeps_the_signatures_at_the_ends():
    union = merged([interval(10, 20), Interval(21, 40, None, at(40), None, None)])
    assert union == [Interval(10, 40, at(10), at(40), "o10", "n20")]


def test_a_second_look_takes_no_time_away():
    first, second = interval(10, 20), interval(10, 20, since=None, until=None)
    assert merged([second, first]) == [replace(second, to_time=at(20))]
    assert merged([first, second]) == [first]


def test_without_coverage_the_window_is_the_gap():
    assert gaps([], WINDOW) == [Gap(None, None, None, WINDOW.start)]


def test_what_is_covered_is_no_work():
    assert gaps([interval(0, 100, until=WINDOW.end)], WINDOW) == []


def test_every_hole_is_work_newest_first():
    held = [interval(30, 40), interval(60, 70)]
    assert gaps(held, WINDOW) == [
        Gap(None, None, 70, None),
        Gap("o60", 59, 40, None),
        Gap("o30", 29, None, WINDOW.start),
    ]


def test_an_earlier_window_reads_below_what_is_held():
    earlier = Window(START - timedelta(days=1), START)
    assert gaps([interval(5, 80)], earlier) == [Gap("o5", 4, None, earlier.start)]


class Node:
    """A provider's listing of one address: newest first, so many entries a page, perhaps shuffled or repeated."""

    def __init__(self, entries: list[dict], size: int, mess: Random | None = None) -> None:
        self.entries = sorted(entries, key=lambda item: (item["slot"], item["signature"]), reverse=True)
        self.size, self.mess, self.calls = size, mess, 0

    def __call__(self, before: str | None) -> list[dict]:
        self.calls += 1
        assert self.calls < 1_000, "the listing does not end"
        place = 0 if before is None else 1 + [item["signature"] for item in self.entries].index(before)
        page = self.entries[place : place + self.size]
        if self.mess is not None and page:
            page = [*page, self.mess.choice(page)]
            self.mess.shuffle(page)
        return page


CHAIN = [entry(slot, mark) for slot in range(1, 90) for mark in "ab"[: 1 + slot % 2]]
TIP = Tip(95, at(95))


def listed(gap: Gap, size: int = 7, mess: Random | None = None, until: datetime | None = None, first: int = 0):
    return list_gap("alpha", gap, TIP, until, first, Node(CHAIN, size, mess))


def names(low: int, high: int) -> set[str]:
    return {item["signature"] for item in CHAIN if low <= item["slot"] <= high}


def test_a_listing_down_to_the_window_is_closed_below_by_an_older_entry():
    found = listed(Gap(None, None, None, at(30)))
    assert found.interval == Interval(30, 95, at(30), at(95), "s00030a", "s00089b", frozenset({"alpha"}))
    assert set(found.entries) == names(30, 89)


def test_a_listing_that_ends_reaches_the_first_transaction():
    found = listed(Gap(None, None, None, at(-500)))
    assert (found.interval.from_slot, found.interval.reaches_first, set(found.entries)) == (0, True, names(1, 89))


def test_a_provider_that_keeps_no_old_blocks_proves_no_beginning():
    found = listed(Gap(None, None, None, at(-500)), first=40)
    assert (found.interval.from_slot, found.interval.reaches_first) == (40, False)


def test_entries_behind_the_window_are_left_for_a_later_one():
    found = listed(Gap(None, None, None, at(30)), until=at(60))
    assert (found.interval.to_slot, found.interval.to_time, set(found.entries)) == (59, at(60), names(30, 59))


def test_a_hole_is_listed_from_the_signature_above_it_down_to_the_interval_below():
    found = listed(Gap("s00060a", 59, 40, None))
    assert (found.interval.from_slot, found.interval.to_slot, set(found.entries)) == (41, 59, names(41, 59))


def test_a_page_that_comes_again_and_again_is_an_error():
    with pytest.raises(ListingFailed, match="same page"):
        list_gap("alpha", Gap(None, None, None, at(0)), TIP, None, 0, lambda before: [entry(50)])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    size=st.integers(1, 12),
    floor=st.integers(0, 20),
    mess=st.one_of(st.none(), st.randoms(use_true_random=False)),
)
def test_no_entry_is_lost_whatever_the_pages_are_like(counts, size, floor, mess):
    chain = [entry(slot, f"-{n}") for slot, count in enumerate(counts, start=1) for n in range(count)]
    # a page that is shuffled within one slot only tells nothing of the slot's end: nodes keep that order
    mess = mess if size > 2 * max(counts) else None
    found = list_gap("alpha", Gap(None, None, floor, None), Tip(99, at(99)), None, 0, Node(chain, size, mess))
    assert set(found.entries) == {item["signature"] for item in chain if item["slot"] > floor}
    assert found.interval.to_slot == 99
    assert found.interval.from_slot in (0, floor + 1)


def test_a_provider_behind_covers_a_hole_only_up_to_its_own_tip():
    known = Node([item for item in CHAIN if item["slot"] <= 60], 7)
    found = list_gap("alpha", Gap(None, 80, 40, None), Tip(60, at(60)), None, 0, known)
    assert (found.interval.from_slot, found.interval.to_slot, found.interval.to_time) == (41, 60, at(60))


def test_a_hole_says_nothing_of_the_time_that_it_ends_at():
    assert listed(Gap("s00060a", 59, 40, None)).interval.to_time is None


def a_listing(provider: str, first: int, last: int, *slots: int) -> Listing:
    entries = {item["signature"]: item for item in (entry(slot) for slot in slots)}
    return Listing(provider, Interval(first, last, None, None), entries)


def test_what_one_provider_leaves_out_is_held_and_recorded():
    entries, omissions = united([a_listing("alpha", 10, 50, 12, 30), a_listing("beta", 10, 50, 12, 20, 30)])
    assert set(entries) == {"s00012", "s00020", "s00030"}
    assert omissions == [Omission("alpha", "beta", entry(20))]


def test_what_lies_beyond_a_providers_own_listing_is_no_omission():
    entries, omissions = united([a_listing("alpha", 0, 40, 5, 12), a_listing("beta", 10, 50, 12, 45)])
    assert (len(entries), omissions) == (3, [])


def by(provider: str, first: int, last: int) -> Interval:
    return Interval(first, last, None, None, providers=frozenset({provider}))


def test_slots_that_one_provider_alone_has_listed_are_owed_a_second_look():
    held = [by("alpha", 0, 50), by("beta", 0, 20), by("beta", 41, 50), by("beta", 51, 60)]
    assert owed(held, 2) == [
        Stretch(21, 40, frozenset({"alpha"})),
        Stretch(51, 60, frozenset({"beta"})),
    ]
    assert owed(held, 1) == []
    assert owed([*held, by("beta", 21, 40), by("alpha", 51, 60)], 2) == []


def test_no_block_above_an_interval_is_older_than_its_end():
    held = [interval(10, 20), interval(21, 30), interval(50, 60)]
    assert earliest_time(held, 31) == at(30)
    assert earliest_time(held, 30) == at(20)
    assert earliest_time(held, 10) is None
