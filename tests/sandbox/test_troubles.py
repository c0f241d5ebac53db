"""What may go wrong in a simulated world: a spike of withdrawals, a prize that waits, Stripe's API down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.app import Simulated, prepare_simulated
from sandbox.home import StartError
from sandbox.world import TROUBLES, build_world

ALONE = Simulated(days=3, rpc_only=True)


@pytest.fixture(scope="module")
def world():
    return build_world(days=3, troubles=TROUBLES)


def test_a_spike_is_fifteen_deposits_and_withdrawals_of_one_user_in_an_hour(world):
    start = datetime(2026, 10, 6, 20, 5, tzinfo=UTC)
    ours = [
        entry for entry in world.ledger
        if start <= entry.at < start + timedelta(minutes=30) and entry.uid == "u0007" and entry.amount == 50_000_000
    ]  # fmt: skip
    assert [entry.kind for entry in ours] == ["deposit", "withdrawal"] * 15
    assert [entry.at - start for entry in ours] == [timedelta(minutes=n) for n in range(30)]
    assert {world.transactions[entry.tx_index].success for entry in ours} == {True}


def test_one_prize_waits_until_the_third_day_and_the_others_do_not(world):
    paid = {entry.match_id: entry.at for entry in world.ledger if entry.kind == "prize_distributed"}
    ended = {match.match_id: match.ended_at for match in world.matches if match.status == "completed" and match.mint}
    waited = {name: paid[name] - ended[name] for name in ended}
    (late,) = [name for name, span in waited.items() if span > timedelta(seconds=320)]
    assert datetime(2026, 10, 6, 12, tzinfo=UTC) <= ended[late] < datetime(2026, 10, 7, tzinfo=UTC)
    assert paid[late] == datetime(2026, 10, 7, 10, tzinfo=UTC)


def test_a_world_too_short_for_them_is_refused():
    with pytest.raises(ValueError, match="days must be at least 3 for late_settlement, not 2"):
        build_world(days=2, troubles=["late_settlement"])


def test_what_happened_stays_in_the_home_and_cannot_come_later(tmp_path):
    chain = prepare_simulated(tmp_path / "a", ["withdrawal_spike"], options=ALONE).chain
    again = prepare_simulated(tmp_path / "a", options=ALONE).chain
    assert again.signatures == chain.signatures
    with pytest.raises(StartError, match="fault late_settlement changes the world and needs a new home"):
        prepare_simulated(tmp_path / "a", ["late_settlement"], options=ALONE)
    with pytest.raises(StartError, match="days must be at least 3"):
        prepare_simulated(tmp_path / "b", ["late_settlement"], options=Simulated(days=2, rpc_only=True))


def test_stripe_is_down_while_the_fault_is_there(tmp_path):
    options = Simulated(days=2)
    assert prepare_simulated(tmp_path, ["stripe_down"], options=options).stripe.faults.server_error.statuses == (503,)
    assert prepare_simulated(tmp_path, options=options).stripe.faults.server_error is None
