"""Transactions of the faults: none of them is of the world, and no ledger entry belongs to one.

`move_base_unit` takes one base unit out of the USDC vault behind the program's back; healed, it comes back later.
`stuck_transaction` is confirmed 20 minutes before the tip and never finalized, though later ones are; healed, it is
dropped. What is final never changes: these transactions lie behind the tip of the chain without them, or are not final.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sandbox import addresses as a
from sandbox import operations
from sandbox.model import Call, TokenMove, TxPlan, World

MOVE_BASE_UNIT = "move_base_unit"
STUCK_TRANSACTION = "stuck_transaction"
MOVED_MINT = a.USDC_MINT
FAULT_INDEX, RETURN_INDEX, STUCK_INDEX = -1, -2, -3  # TxPlan.index of transactions no world knows of


def fault_plans(world: World, faults: Collection[str], healed: Collection[str]) -> list[TxPlan]:
    """The transactions that the faults add.

    `move_base_unit` in `faults` adds a plain transfer of 1 base unit out of the USDC vault 3 s before the end; in
    `healed` it adds that one and another, 2 s before the end, that brings the unit back. `stuck_transaction` in
    `faults` adds its transaction. Other names are ignored here.
    """
    plans = []
    if MOVE_BASE_UNIT in {*faults, *healed}:
        plans.append(_transfer(world, world.end - timedelta(seconds=3), FAULT_INDEX))
    if MOVE_BASE_UNIT in healed:
        plans.append(_transfer(world, world.end - timedelta(seconds=2), RETURN_INDEX))
    if STUCK_TRANSACTION in faults:
        plans.append(_bystanders(world, world.block_time(world.tip) - timedelta(minutes=20)))
    return plans


def inserted(plans: Sequence[TxPlan], plan: TxPlan) -> list[TxPlan]:
    """The plans with one more at its slot's place, behind those of the same slot."""
    place = bisect_right([p.slot for p in plans], plan.slot)
    return [*plans[:place], plan, *plans[place:]]


def _transfer(world: World, at: datetime, index: int) -> TxPlan:
    vault, outside = a.VAULTS[MOVED_MINT], a.token_account(a.OUTSIDER, MOVED_MINT)
    if index == FAULT_INDEX:
        move, label = TokenMove(vault, outside, a.DELEGATE, MOVED_MINT, 1), "vault_delegate"
    else:
        move, label = TokenMove(outside, vault, a.OUTSIDER, MOVED_MINT, 1), "outsider"
    return _plan(world, at, index, label, operations.token_transfer(move))


def _bystanders(world: World, at: datetime) -> TxPlan:
    """A transaction that moves nothing but its own fee, out of a wallet no other one names, and names our program."""
    return _plan(world, at, STUCK_INDEX, "bystander", Call("lookalike", "mimic", remaining=(a.PROGRAM_ID,)))


def _plan(world: World, at: datetime, index: int, label: str, call: Call) -> TxPlan:
    slot = world.slot_at(at)
    return TxPlan(index, world.block_time(slot), slot, a.address(label), (label,), (call,), "legacy", None, 0, ())
