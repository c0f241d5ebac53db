"""The simulated chain: a world's transactions rendered, with balances that follow on from one to the next.

Example::

    chain = build_chain(world, faults={"move_base_unit"}, healed=set())
    chain.entry_signature("l000001")
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sandbox import addresses as a
from sandbox.chain_balances import Balances
from sandbox.chain_ledger import Ledger
from sandbox.chain_parsed import parsed
from sandbox.chain_protocol import SignatureRow, token_amount
from sandbox.chain_render import ChainTx, message_json, render, wire
from sandbox.extra_plans import fault_plans, inserted
from sandbox.genesis import set_up
from sandbox.model import BASE_SLOT, TxPlan, World


class SimulatedChain:
    """A finalized chain in memory (see chain_protocol.Chain). `transactions` are in chain order.

    Raises LedgerError where a plan spends what is not there.
    """

    def __init__(self, world: World, plans: Sequence[TxPlan]) -> None:
        self.world = world
        self.first_slot = BASE_SLOT
        self.first_kept = 0
        self.tip = max(world.tip, plans[-1].slot if plans else 0)
        self._opening = Ledger(dict(world.opening_tokens), world.token_owners, dict(world.opening_lamports))
        ledger = Ledger(dict(world.opening_tokens), world.token_owners, dict(world.opening_lamports))
        self.transactions: tuple[ChainTx, ...] = tuple(render(plan, ledger) for plan in plans)
        self._by_index = {tx.plan.index: tx.signature for tx in self.transactions}
        self._entry_tx = {entry.entry_id: entry.tx_index for entry in world.ledger}
        self._balances = Balances()
        history: defaultdict[str, list[SignatureRow]] = defaultdict(list)
        rows = []
        for n, tx in enumerate(self.transactions):
            row = SignatureRow(n, tx.signature, tx.plan.slot, tx.meta["err"], int(tx.plan.at.timestamp()))
            rows.append(row)
            self._balances.add(tx.plan.slot, tx.keys, tx.meta)
            for key in tx.keys:
                history[key].append(row)
        self.rows: tuple[SignatureRow, ...] = tuple(rows)  # in chain order
        self._row = {row.signature: row for row in rows}
        self._history = {key: tuple(reversed(found)) for key, found in history.items()}

    @property
    def signatures(self) -> tuple[str, ...]:
        """Signatures of World.transactions, by TxPlan.index. Raises KeyError where one was left out."""
        return tuple(self._by_index[n] for n in range(len(self.world.transactions)))

    def signature_of(self, tx_index: int) -> str:
        """Signature by TxPlan.index; the same in every chain of that world. Raises KeyError."""
        return self._by_index[tx_index]

    def entry_signature(self, entry_id: str) -> str:
        """Signature of the transaction that carries a ledger entry. Raises KeyError."""
        return self.signature_of(self._entry_tx[entry_id])

    def history(self, address: str) -> Sequence[SignatureRow]:
        return self._history.get(address, ())

    def row(self, signature: str) -> SignatureRow | None:
        return self._row.get(signature)

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        row = self._row.get(signature)
        if row is None:
            return None
        tx = self.transactions[row.order]
        meta = tx.meta
        if encoding == "json":
            body: Any = message_json(tx.signed)
        elif encoding == "jsonParsed":
            body, meta = parsed(tx)
        else:
            body = wire(tx.signed, encoding)
        return {
            "blockTime": row.block_time,
            "meta": meta,
            "slot": tx.plan.slot,
            "transaction": body,
            "version": tx.version,
        }

    def block_time(self, slot: int) -> int | None:
        if not self.first_slot <= slot <= self.tip:
            return None
        return int(self.world.block_time(slot).timestamp())

    def token_amount(self, account: str, slot: int | None = None) -> dict[str, Any] | None:
        if self._balances.knows_tokens(account):
            return self._balances.token_amount(account, self.tip if slot is None else slot)
        if account not in self._opening.tokens:
            return None
        return token_amount(self._opening.tokens[account], a.DECIMALS[self._opening.owners[account][1]])

    def lamports(self, account: str, slot: int | None = None) -> int:
        held = self._balances.lamports(account, self.tip if slot is None else slot)
        return self._opening.lamports.get(account, 0) if held is None else held


def build_chain(
    world: World, faults: Collection[str] = (), healed: Collection[str] = (), without: Collection[int] = ()
) -> SimulatedChain:
    """Render the set-up, the world's transactions, and those of the faults (see extra_plans.fault_plans).

    Transactions whose TxPlan.index is in `without` are left out, as on a fork that lost: what follows them is rendered
    as if they had never been. No other signature changes. Raises LedgerError where a later one needs what such a one
    brought.
    """
    plans = [*set_up(world), *world.transactions]
    for plan in fault_plans(world, faults, healed):
        plans = inserted(plans, plan)
    return SimulatedChain(world, [plan for plan in plans if plan.index not in without])
