"""What an RPC server needs of a chain, whether simulated or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class SignatureRow:
    """One transaction in an address's history. `order` rises along the chain, also within a slot.

    `memo`: "[bytes] text" of its memos, as a node lists them.
    """

    order: int
    signature: str
    slot: int
    err: Any
    block_time: int | None
    memo: str | None = None


class Chain(Protocol):
    """A chain up to `tip`."""

    first_slot: int
    first_kept: int  # lowest slot whose blocks the node keeps; 0: the whole history, as an archive does
    tip: int

    def history(self, address: str) -> Sequence[SignatureRow]:
        """Every transaction that names the address, newest first; empty for an unknown address."""

    def row(self, signature: str) -> SignatureRow | None:
        """The transaction's row; None for an unknown signature."""

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        """getTransaction's result with `version`, in `encoding`; None if unknown.

        Encodings: json, jsonParsed, base58, base64.
        """

    def block_time(self, slot: int) -> int | None:
        """Unix seconds of a slot; None where the chain has none for it."""

    def token_amount(self, account: str, slot: int | None = None) -> dict[str, Any] | None:
        """The token account's amount after `slot` (default: at the tip); None if there is no such account then.

        {amount, decimals, uiAmount, uiAmountString}
        """

    def lamports(self, account: str, slot: int | None = None) -> int:
        """The account's lamports after `slot` (default: at the tip); 0 for an unknown account, as a node answers."""


def token_amount(amount: int, decimals: int) -> dict[str, Any]:
    """A node's rendering of base units: exact in `amount`, a float or null in `uiAmount`."""
    whole, rest = divmod(amount, 10**decimals)
    text = f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".") if decimals else str(whole)
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": amount / 10**decimals if amount else None,
        "uiAmountString": text,
    }
