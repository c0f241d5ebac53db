"""Balances along the chain while it is rendered: what a transaction's success changes, and how a node lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import addresses as a
from sandbox.chain_protocol import token_amount
from sandbox.model import TxPlan


class LedgerError(RuntimeError):
    """A transaction spends what an account does not hold, or pays into a token account that does not exist."""


@dataclass
class Ledger:
    """Balances along the chain; rendering a transaction moves them forward."""

    tokens: dict[str, int]  # token account -> base units; absent before it is created
    owners: Mapping[str, tuple[str, str]]  # token account -> (owner, mint)
    lamports: dict[str, int]

    def pay_fee(self, plan: TxPlan, lamports: int) -> None:
        """Take the fee, which also a failed transaction pays. Raises LedgerError."""
        self._take(self.lamports, plan.fee_payer, lamports, plan)

    def apply(self, plan: TxPlan) -> None:
        """Move what a successful transaction moves. Raises LedgerError."""
        for call in plan.calls:
            for rent in call.rents:
                self._take(self.lamports, rent.source, rent.lamports, plan)
                self.lamports[rent.destination] = self.lamports.get(rent.destination, 0) + rent.lamports
                if call.instruction == "initialize" or call.program == "associated_token":
                    self.tokens[rent.destination] = 0
            for move in call.moves:
                self._take(self.tokens, move.source, move.amount, plan)
                self._credit(move.destination, move.amount, plan)
            if (call.program, call.instruction) == ("token", "mint_to"):
                self._credit(call.accounts["account"], call.args["amount"], plan)

    def snapshot(self, keys: tuple[str, ...]) -> tuple[list[int], list[dict[str, Any]]]:
        """(lamports, token balances) of a transaction's accounts, as its meta holds them."""
        tokens = []
        for n, key in enumerate(keys):
            if key in self.tokens:
                owner, mint = self.owners[key]
                tokens.append(
                    {
                        "accountIndex": n,
                        "mint": mint,
                        "owner": owner,
                        "programId": a.TOKEN_PROGRAM,
                        "uiTokenAmount": token_amount(self.tokens[key], a.DECIMALS[mint]),
                    }
                )
        return [self.lamports.get(key, 0) for key in keys], tokens

    def _credit(self, account: str, amount: int, plan: TxPlan) -> None:
        if account not in self.tokens:
            raise LedgerError(f"transaction {plan.index} pays into {account}, which does not exist")
        self.tokens[account] += amount

    @staticmethod
    def _take(held: dict[str, int], account: str, amount: int, plan: TxPlan) -> None:
        rest = held.get(account, 0) - amount
        if rest < 0:
            raise LedgerError(f"transaction {plan.index} overdraws {account}")
        held[account] = rest
