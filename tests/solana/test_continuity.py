"""The balance proof against histories made by hand and at random."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.solana.proof.continuity import Break, Move, closed_at, follow


def test_a_complete_history_closes_at_its_last_balance():
    found = follow([Move("a", 1, 0, 5), Move("b", 2, 5, 3), Move("c", 9, 3, 3)], opening=0)
    assert (found.opening, found.closing, found.transactions, found.breaks) == (0, 3, 3, ())
    assert closed_at(found, 3, 10) is None


def test_a_break_names_both_signatures_and_the_amount():
    found = follow([Move("a", 1, 0, 5), Move("c", 9, 8, 9)], opening=0)
    assert found.breaks == (Break("a", 1, "c", 9, 5, 8, 1),)
    assert found.breaks[0].amount == 3


def test_a_missing_first_transaction_is_a_break_at_the_beginning():
    assert follow([Move("b", 2, 5, 3)], opening=0).breaks == (Break(None, None, "b", 2, 0, 5),)


def test_without_coverage_of_the_beginning_the_first_balance_opens():
    found = follow([Move("b", 2, 5, 3)], opening=None)
    assert (found.opening, found.closing, found.breaks) == (5, 3, ())


def test_a_missing_last_transaction_contradicts_the_reported_balance():
    found = follow([Move("a", 1, 0, 5)], opening=0)
    assert closed_at(found, 4, 10) == Break("a", 1, None, 10, 5, 4, 1)


def test_an_account_without_transactions_keeps_its_opening():
    found = follow([], opening=7)
    assert (found.closing, found.transactions, closed_at(found, 7, 3)) == (7, 0, None)
    assert closed_at(found, 8, 3) == Break(None, None, None, 3, 7, 8)


def test_an_earlier_proof_hands_on_its_last_transaction():
    opened_by = Move("a", 1, 0, 5)
    assert follow([Move("c", 9, 8, 9)], 5, opened_by).breaks == (Break("a", 1, "c", 9, 5, 8, 1),)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_order_within_a_slot_does_not_matter(order):
    moves = [Move("x", 4, 5, 7), Move("y", 4, 7, 5), Move("z", 4, 5, 6)]
    found = follow([moves[at] for at in order], opening=5)
    assert (found.closing, found.breaks) == (6, ())


def test_loops_apart_from_the_walk_are_a_break_though_sums_agree():
    # 3 -> (missing 3 -> 5) 5 -> 7 -> 5 (missing 5 -> 3): the slot begins and ends at 3, and still two are missing
    found = follow([Move("a", 4, 5, 7), Move("b", 4, 7, 5), Move("c", 5, 3, 4)], opening=3)
    assert [(item.after, item.before, item.amount) for item in found.breaks] == [(None, "a", 2), ("b", "c", -2)]


def test_a_break_reaches_down_past_transactions_that_lead_back_to_where_they_began():
    # the lost 0 -> 1 of slot 10 shows up in slot 12 only: slot 11 leads from 1 back to 1, and as well from 0 back to 0
    moves = [Move("a", 9, 0, 0), Move("b", 11, 1, 0), Move("c", 11, 0, 1), Move("d", 12, 1, 2)]
    (only,) = follow(moves, opening=0).breaks
    assert (only.before, only.from_slot, only.amount) == ("d", 9, 1)


def _history(steps: list[tuple[bool, int]]) -> list[Move]:
    """Moves from a balance of 0: (whether in a new slot, change)."""
    balance, slot, moves = 0, 10, []
    for number, (new_slot, change) in enumerate(steps):
        slot += new_slot
        moves.append(Move(f"s{number:03d}", slot, balance, balance + change))
        balance += change
    return moves


STEPS = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_no_history_is_broken_by_shuffling_its_slots(steps, random):
    moves = _history(steps)
    shuffled = sorted(random.sample(moves, len(moves)), key=lambda move: move.slot)
    found = follow(shuffled, opening=0)
    assert (found.breaks, found.closing, found.transactions) == ((), moves[-1].post, len(moves))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(STEPS, st.data())
def test_every_lost_change_is_found(steps, data):
    moves = _history(steps)
    lost = data.draw(st.integers(0, len(moves) - 1))
    kept = moves[:lost] + moves[lost + 1 :]
    found = follow(kept, opening=0)
    end = closed_at(found, moves[-1].post, 1_000)
    breaks = [*found.breaks, *([end] if end else [])]
    if moves[lost].pre == moves[lost].post:
        assert breaks == []  # it moved nothing: no balance can tell
    else:
        assert sum(item.amount for item in breaks) == moves[lost].post - moves[lost].pre
        assert any(item.from_slot <= moves[lost].slot <= item.before_slot for item in breaks)
