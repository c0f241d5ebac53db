"""A chain made of recorded getTransaction and getBlock answers, served as the node that answered them would.

Example::

    chain = RecordedChain.from_answers([json.loads(path.read_text()) for path in paths])
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import base58
from solders.transaction import VersionedTransaction

from sandbox.chain_balances import Balances
from sandbox.chain_protocol import SignatureRow


@dataclass
class _Recorded:
    """One transaction, in every encoding it was recorded in."""

    slot: int
    position: int
    keys: tuple[str, ...]
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # encoding -> getTransaction result

    @property
    def any_answer(self) -> dict[str, Any]:
        return next(iter(self.answers.values()))


class RecordedChain:
    """Recorded transactions behind the chain interface (see chain_protocol.Chain).

    The same signature in several encodings, or in a block and on its own, is one transaction. Raises ValueError for
    an answer that is no transaction.
    """

    def __init__(self, transactions: Iterable[Mapping[str, Any]], blocks: Iterable[Mapping[str, Any]] = ()) -> None:
        self.unusable: tuple[tuple[int, str], ...] = ()  # (index of the answer, reason), see from_answers
        self._recorded: dict[str, _Recorded] = {}
        bare = [(position, dict(result)) for position, result in enumerate(transactions)]
        for position, result in [*bare, *(part for block in blocks for part in _block_parts(block))]:
            signature, encoding, keys = _identify(result)
            recorded = self._recorded.setdefault(signature, _Recorded(result["slot"], position, keys))
            recorded.answers.setdefault(encoding, result)
        ordered = sorted(self._recorded.items(), key=lambda item: (item[1].slot, item[1].position))
        self._history: defaultdict[str, list[SignatureRow]] = defaultdict(list)
        self._row: dict[str, SignatureRow] = {}
        self._balances = Balances()
        self._times: dict[int, int | None] = {}
        for order, (signature, recorded) in enumerate(ordered):
            self._index(order, signature, recorded)
        for rows in self._history.values():
            rows.reverse()
        slots = [recorded.slot for recorded in self._recorded.values()]
        self.first_slot = self.first_kept = min(slots, default=0)
        self.tip = max(slots, default=0)

    @classmethod
    def from_answers(cls, answers: Iterable[Mapping[str, Any]]) -> RecordedChain:
        """Build it from getTransaction and getBlock answers in any mixture, in a result envelope or bare.

        What is neither is left out and named in `unusable`: (index into `answers`, reason).
        """
        transactions, blocks, unusable = [], [], []
        for index, answer in enumerate(answers):
            body = answer.get("result", answer) if isinstance(answer, Mapping) else None
            try:
                if not isinstance(body, Mapping):
                    raise ValueError("neither a getTransaction nor a getBlock answer: no object")
                for _, part in _block_parts(body) if "parentSlot" in body else [(0, body)]:
                    _identify(part)
            except ValueError as error:
                unusable.append((index, str(error)))
                continue
            (blocks if "parentSlot" in body else transactions).append(body)
        chain = cls(transactions, blocks)
        chain.unusable = tuple(unusable)
        return chain

    def history(self, address: str) -> Sequence[SignatureRow]:
        return self._history.get(address, ())

    def row(self, signature: str) -> SignatureRow | None:
        return self._row.get(signature)

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        recorded = self._recorded.get(signature)
        if recorded is None:
            return None
        return recorded.answers.get(encoding) or recorded.any_answer

    def block_time(self, slot: int) -> int | None:
        return self._times.get(slot)

    def token_amount(self, account: str, slot: int | None = None) -> dict[str, Any] | None:
        return self._balances.token_amount(account, self.tip if slot is None else slot)

    def lamports(self, account: str, slot: int | None = None) -> int:
        return self._balances.lamports(account, self.tip if slot is None else slot) or 0

    def _index(self, order: int, signature: str, recorded: _Recorded) -> None:
        answer = recorded.any_answer
        meta = answer.get("meta") or {}
        when = answer.get("blockTime")
        row = SignatureRow(order, signature, recorded.slot, meta.get("err"), when)
        for key in dict.fromkeys(recorded.keys):
            self._history[key].append(row)
        self._row[signature] = row
        self._balances.add(recorded.slot, recorded.keys, meta)
        if self._times.get(recorded.slot) is None:
            self._times[recorded.slot] = when


def _block_parts(block: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """(index in block, getTransaction result) of each transaction of a getBlock answer."""
    # The answer does not name its own slot; the parent's successor is the nearest there is.
    shared = {"slot": block["parentSlot"] + 1, "blockTime": block.get("blockTime")}
    return [(n, {**shared, **transaction}) for n, transaction in enumerate(block.get("transactions") or ())]


def _identify(result: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """(signature, encoding, account keys in index order) of a getTransaction result."""
    body = result.get("transaction")
    if not isinstance(result.get("slot"), int) or body is None:
        raise ValueError("neither a getTransaction nor a getBlock answer: slot or transaction is missing")
    meta = result.get("meta") or {}
    loaded = meta.get("loadedAddresses") or {}
    extra = (*loaded.get("writable", ()), *loaded.get("readonly", ()))
    try:
        if isinstance(body, Mapping):
            signature, keys, encoding = body["signatures"][0], body["message"]["accountKeys"], "json"
            if keys and isinstance(keys[0], Mapping):  # loaded addresses are merged already
                keys, encoding, extra = [key["pubkey"] for key in keys], "jsonParsed", ()
        else:
            text, encoding = body if isinstance(body, list) else (body, "base58")
            raw = b64decode(text, validate=True) if encoding == "base64" else base58.b58decode(text)
            signed = VersionedTransaction.from_bytes(raw)
            signature, keys = str(signed.signatures[0]), [str(key) for key in signed.message.account_keys]
        listed = [*(meta.get("preTokenBalances") or ()), *(meta.get("postTokenBalances") or ())]
        if any(balance["accountIndex"] >= len(keys) + len(extra) for balance in listed):
            raise ValueError("a token balance names an account that the transaction does not have")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"recorded transaction cannot be read: {error}") from error
    return signature, encoding, (*keys, *extra)
