"""The injected fault on the chain: one base unit leaves the vault behind the program's back, and may come back."""

from __future__ import annotations

import pytest

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.extra_plans import FAULT_INDEX, RETURN_INDEX
from sandbox.model import World
from sandbox.world import build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def chain(world: World) -> SimulatedChain:
    return build_chain(world)


def test_moved_base_unit_is_one_foreign_transaction(world: World, chain: SimulatedChain) -> None:
    faulty = build_chain(world, faults={"move_base_unit"})
    assert len(faulty.transactions) == len(chain.transactions) + 1
    (extra,) = [tx for tx in faulty.transactions if tx.plan.index == FAULT_INDEX]
    assert [tx.signature for tx in faulty.transactions if tx is not extra] == [
        tx.signature for tx in chain.transactions
    ]
    assert extra.plan.at.isoformat() == "2026-10-08T23:59:56+00:00"
    assert extra.plan.slot > chain.tip  # what the clean chain has is final, and stays
    assert PROGRAM not in extra.keys
    assert VAULT in extra.keys
    assert not [line for line in extra.meta["logMessages"] if line.startswith("Program data")]
    before, after = (
        {extra.keys[b["accountIndex"]]: int(b["uiTokenAmount"]["amount"]) for b in extra.meta[side]}
        for side in ("preTokenBalances", "postTokenBalances")
    )
    assert before[VAULT] - after[VAULT] == 1
    clean = int(chain.token_amount(VAULT)["amount"])
    assert int(faulty.token_amount(VAULT)["amount"]) == clean - 1
    for healed in (
        build_chain(world, healed={"move_base_unit"}),
        build_chain(world, {"move_base_unit"}, {"move_base_unit"}),
    ):
        assert int(healed.token_amount(VAULT)["amount"]) == clean
        assert [tx.plan.index for tx in healed.transactions if -9 < tx.plan.index < 0] == [FAULT_INDEX, RETURN_INDEX]
        assert healed.transactions[-1].plan.index == RETURN_INDEX
        assert healed.tip == healed.transactions[-1].plan.slot > faulty.tip > chain.tip
        assert extra.signature in {tx.signature for tx in healed.transactions}


def test_balances_follow_on_through_the_fault(world: World) -> None:
    healed = build_chain(world, healed={"move_base_unit"})
    slots = [tx.plan.slot for tx in healed.transactions]
    assert slots == sorted(slots)
    held = None
    for tx in healed.transactions:
        for side in ("preTokenBalances", "postTokenBalances"):
            for balance in tx.meta[side]:
                if tx.keys[balance["accountIndex"]] == VAULT:
                    if side == "preTokenBalances":
                        assert balance["uiTokenAmount"]["amount"] == held
                    held = balance["uiTokenAmount"]["amount"]


def test_other_faults_leave_the_chain_alone(world: World, chain: SimulatedChain) -> None:
    other = build_chain(world, faults={"drop_audit_event", "rpc_down"})
    assert [tx.signature for tx in other.transactions] == [tx.signature for tx in chain.transactions]
