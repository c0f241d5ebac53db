"""Every account's balances over time, taken from what the transactions themselves report before and after."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

BEFORE_ALL = -1  # the slot under which an account's balance before its first transaction is kept


class Balances:
    """Balances at any slot. Feed it the transactions in chain order with `add`."""

    def __init__(self) -> None:
        self._lamports: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)  # (slot, lamports)
        self._tokens: defaultdict[str, list[tuple[int, dict[str, Any] | None]]] = defaultdict(list)

    def add(self, slot: int, keys: Sequence[str], meta: Mapping[str, Any]) -> None:
        """Take one transaction's balances; `keys` are its accounts in index order."""
        before, after = meta.get("preBalances") or (), meta.get("postBalances") or ()
        for key, held, holds in zip(keys, before, after, strict=False):
            self._note(self._lamports[key], slot, held, holds)
        had, has = (_amounts(keys, meta.get(name) or ()) for name in ("preTokenBalances", "postTokenBalances"))
        for key in {**had, **has}:
            self._note(self._tokens[key], slot, had.get(key), has.get(key))

    def lamports(self, account: str, slot: int) -> int | None:
        """Lamports after every transaction up to and in `slot`; None for an account that no transaction names."""
        return _at(self._lamports.get(account, ()), slot)

    def token_amount(self, account: str, slot: int) -> dict[str, Any] | None:
        """A token account's uiTokenAmount after `slot`; None where it does not exist then, or is in no transaction."""
        return _at(self._tokens.get(account, ()), slot)

    def knows_tokens(self, account: str) -> bool:
        """Whether any transaction reports the account's tokens."""
        return account in self._tokens

    @staticmethod
    def _note(row: list, slot: int, before: Any, after: Any) -> None:
        if not row:
            row.append((BEFORE_ALL, before))
        row.append((slot, after))


def _amounts(keys: Sequence[str], balances: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {keys[balance["accountIndex"]]: balance["uiTokenAmount"] for balance in balances}


def _at(row: Sequence[tuple[int, Any]], slot: int) -> Any:
    n = bisect_right(row, slot, key=lambda item: item[0])
    return row[n - 1][1] if n else None
