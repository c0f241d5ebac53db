"""The simulated chain: a world's transactions rendered, with balances that follow on from one to the next.

Example::

    chain = build_chain(world, faults={"move_base_unit"}, healed=set())
    chain.entry_signature("l000001")
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox import addresses as a
from sandbox import operations
from sandbox.chain_parsed import parsed
from sandbox.chain_protocol import SignatureRow, token_amount
from sandbox.chain_render import ChainTx, Ledger, message_json, render, wire
from sandbox.model import BASE_SLOT, TokenMove, TxPlan, World

MOVE_BASE_UNIT = "move_base_unit"
MOVED_MINT = a.USDC_MINT
FAULT_INDEX, RETURN_INDEX = -1, -2  # TxPlan.index of the two transactions no world knows of


class SimulatedChain:
    """A finalized chain in memory (see chain_protocol.Chain). `transactions` are in chain order."""

    def __init__(self, world: World, plans: Sequence[TxPlan]) -> None:
        self.world = world
        self.first_slot = BASE_SLOT
        self.tip = world.tip
        self.ledger = Ledger(dict(world.opening_tokens), world.token_owners, dict(world.opening_lamports))
        self.transactions: tuple[ChainTx, ...] = tuple(render(plan, self.ledger) for plan in plans)
        by_index = {tx.plan.index: tx.signature for tx in self.transactions}
        self.signatures = tuple(by_index[n] for n in range(len(world.transactions)))  # by TxPlan.index
        self._order = {tx.signature: n for n, tx in enumerate(self.transactions)}
        self._entry_tx = {entry.entry_id: entry.tx_index for entry in world.ledger}
        history: defaultdict[str, list[SignatureRow]] = defaultdict(list)
        for n in range(len(self.transactions) - 1, -1, -1):
            tx = self.transactions[n]
            row = SignatureRow(n, tx.signature, tx.plan.slot, tx.meta["err"], int(tx.plan.at.timestamp()))
            for key in tx.keys:
                history[key].append(row)
        self._history = dict(history)

    def signature_of(self, tx_index: int) -> str:
        """Signature of World.transactions[tx_index]; the same in every chain of that world. Raises IndexError."""
        return self.signatures[tx_index]

    def entry_signature(self, entry_id: str) -> str:
        """Signature of the transaction that carries a ledger entry. Raises KeyError."""
        return self.signature_of(self._entry_tx[entry_id])

    def history(self, address: str) -> Sequence[SignatureRow]:
        return self._history.get(address, ())

    def order(self, signature: str) -> int | None:
        return self._order.get(signature)

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        n = self._order.get(signature)
        if n is None:
            return None
        tx = self.transactions[n]
        meta = tx.meta
        if encoding == "json":
            body: Any = message_json(tx.signed)
        elif encoding == "jsonParsed":
            body, meta = parsed(tx)
        else:
            body = wire(tx.signed, encoding)
        return {
            "blockTime": int(tx.plan.at.timestamp()),
            "meta": meta,
            "slot": tx.plan.slot,
            "transaction": body,
            "version": tx.version,
        }

    def block_time(self, slot: int) -> int | None:
        if not self.first_slot <= slot <= self.tip:
            return None
        return int(self.world.block_time(slot).timestamp())

    def token_amount(self, account: str) -> dict[str, Any] | None:
        if account not in self.ledger.tokens:
            return None
        mint = self.ledger.owners[account][1]
        return token_amount(self.ledger.tokens[account], a.DECIMALS[mint])

    def lamports(self, account: str) -> int:
        return self.ledger.lamports.get(account, 0)


def build_chain(world: World, faults: Collection[str] = (), healed: Collection[str] = ()) -> SimulatedChain:
    """Render the world's transactions, and those of the faults.

    `move_base_unit` in `faults` adds a plain transfer of 1 base unit out of the USDC vault at noon of the third day
    (the last day of a shorter window); in `healed` it adds that one and another, 20 s before the end, that brings the
    unit back. Other names concern other parts of the sandbox and are ignored here. No other signature changes.
    """
    plans = list(world.transactions)
    if MOVE_BASE_UNIT in {*faults, *healed}:
        day = min(2, (world.end - world.start).days - 1)
        _insert(plans, _transfer(world, world.start + timedelta(days=day, hours=12), FAULT_INDEX))
    if MOVE_BASE_UNIT in healed:
        _insert(plans, _transfer(world, world.end - timedelta(seconds=20), RETURN_INDEX))
    return SimulatedChain(world, plans)


def _transfer(world: World, at: datetime, index: int) -> TxPlan:
    vault, outside = a.VAULTS[MOVED_MINT], a.token_account(a.OUTSIDER, MOVED_MINT)
    if index == FAULT_INDEX:
        move, label = TokenMove(vault, outside, a.DELEGATE, MOVED_MINT, 1), "vault_delegate"
    else:
        move, label = TokenMove(outside, vault, a.OUTSIDER, MOVED_MINT, 1), "outsider"
    slot = world.slot_at(at)
    call = operations.token_transfer(move)
    return TxPlan(index, world.block_time(slot), slot, move.authority, (label,), (call,), "legacy", None, 0, ())


def _insert(plans: list[TxPlan], plan: TxPlan) -> None:
    plans.insert(bisect_right([p.slot for p in plans], plan.slot), plan)
