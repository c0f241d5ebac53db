"""Parts of a chain as one node or one commitment sees them, without the chain itself being another.

Example::

    seen = ChainView(chain, tip=chain.tip - 40, is_hidden=frozenset(omitted).__contains__)
    commitments(chain, chain.rows, chain.tip, pending=3).status(signature)      # "finalized" | "confirmed" | None
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.chain_protocol import Chain, SignatureRow


def nothing(_: str) -> bool:
    """Hides no signature."""
    return False


class ChainView:
    """A chain up to a slot, without some transactions (see chain_protocol.Chain).

    Balances are those after every transaction up to the tip, hidden ones too: they did happen.
    """

    def __init__(self, chain: Chain, tip: int, is_hidden: Callable[[str], bool] = nothing) -> None:
        self._chain = chain
        self._is_hidden = is_hidden
        self.first_slot, self.first_kept = chain.first_slot, chain.first_kept
        self.tip = min(tip, chain.tip)

    def history(self, address: str) -> Sequence[SignatureRow]:
        return [row for row in self._chain.history(address) if self._shows(row)]

    def row(self, signature: str) -> SignatureRow | None:
        row = self._chain.row(signature)
        return row if row is not None and self._shows(row) else None

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        return None if self.row(signature) is None else self._chain.transaction(signature, encoding)

    def block_time(self, slot: int) -> int | None:
        return self._chain.block_time(slot) if slot <= self.tip else None

    def token_amount(self, account: str, slot: int | None = None) -> dict[str, Any] | None:
        return self._chain.token_amount(account, self._within(slot))

    def lamports(self, account: str, slot: int | None = None) -> int:
        return self._chain.lamports(account, self._within(slot))

    def _within(self, slot: int | None) -> int:
        return self.tip if slot is None else min(slot, self.tip)

    def _shows(self, row: SignatureRow) -> bool:
        return row.slot <= self.tip and not self._is_hidden(row.signature)


@dataclass(frozen=True)
class Commitments:
    """What a node knows of a chain at each commitment: `confirmed` up to one slot, `finalized` up to another.

    `stuck` signatures are only confirmed wherever they lie. A node that is `lag` slots behind knows less of both, and
    nothing of the transactions for which `is_omitted` holds.
    """

    chain: Chain
    confirmed_slot: int
    finalized_slot: int
    stuck: frozenset[str] = frozenset()
    lag: int = 0
    is_omitted: Callable[[str], bool] = nothing

    @classmethod
    def settled(cls, chain: Chain) -> Commitments:
        """Of a chain whose every slot is final."""
        return cls(chain, chain.tip, chain.tip)

    @cached_property
    def confirmed(self) -> ChainView:
        """Everything the node knows."""
        return ChainView(self.chain, self.confirmed_slot - self.lag, self.is_omitted)

    @cached_property
    def finalized(self) -> ChainView:
        """What cannot be undone any more."""
        return ChainView(self.chain, self.finalized_slot - self.lag, lambda s: s in self.stuck or self.is_omitted(s))

    def view(self, commitment: str) -> ChainView:
        """The chain at a commitment: processed, confirmed or finalized."""
        return self.finalized if commitment == "finalized" else self.confirmed

    def status(self, signature: str) -> str | None:
        """finalized, confirmed, or None for an unknown transaction."""
        if self.finalized.row(signature) is not None:
            return "finalized"
        return "confirmed" if self.confirmed.row(signature) is not None else None


def commitments(
    chain: Chain, rows: Sequence[SignatureRow], tip: int, pending: int = 0, stuck: Collection[str] = ()
) -> Commitments:
    """A node's whole knowledge at `tip`, the newest slot it has confirmed. `rows` are the chain's, in chain order.

    The last `pending` transactions up to the tip are only confirmed, and with them whatever shares the first one's
    slot: a block is final as a whole.
    """
    confirmed = min(tip, chain.tip)
    known = [row for row in rows if row.slot <= confirmed]
    final = min(confirmed, known[-pending:][0].slot - 1) if pending and known else confirmed
    return Commitments(chain, confirmed, final, frozenset(stuck))
