"""One view over a getTransaction result in any encoding (json, jsonParsed, base64, base58); all else reads this."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from ingestion.solana.base58 import decode_base58


class NotATransaction(ValueError):
    """The value is no usable getTransaction result; the message says why and quotes nothing of it."""


class Instruction:
    """A top-level or inner instruction. `height` is its depth of invocation (top level 1), None where not recorded.

    `parsed` is the form that jsonParsed answers give for well-known programs instead of accounts and data.
    """

    __slots__ = ("_data", "accounts", "height", "parsed", "program_id")

    def __init__(
        self,
        program_id: str,
        accounts: Sequence[str],
        data: str | bytes,
        height: int | None,
        parsed: Mapping[str, Any] | None = None,
    ) -> None:
        self.program_id = program_id
        self.accounts = accounts
        self.height = height
        self.parsed = parsed
        self._data = data

    @property
    def data(self) -> bytes:
        """Instruction data; b"" where there is only the parsed form. Raises NotATransaction."""
        if isinstance(self._data, str):
            try:
                self._data = decode_base58(self._data)
            except ValueError:
                raise NotATransaction(f"data of an instruction of {self.program_id} is not base58") from None
        return self._data


@dataclass(frozen=True)
class TokenBalance:
    """Balance of a token account around the transaction, base units; None where the account did not exist."""

    account: str
    owner: str | None
    mint: str
    decimals: int
    pre: int | None
    post: int | None


@dataclass(frozen=True)
class TransactionView:
    """What the warehouse reads of a transaction. `logs` is None where the node kept none."""

    signature: str
    slot: int | None
    block_time: datetime | None
    error: Any
    fee: int
    compute_units: int | None
    version: str
    encoding: str
    logs: Sequence[str] | None
    account_keys: Sequence[str]
    instructions: Sequence[Instruction]
    inner: Mapping[int, Sequence[Instruction]]
    token_balances: Sequence[TokenBalance]

    @property
    def success(self) -> bool:
        """Whether the transaction took effect."""
        return self.error is None

    @property
    def log_truncated(self) -> bool:
        """Whether the runtime cut the log."""
        return self.logs is not None and "Log truncated" in self.logs


def view_of(result: Any, slot: int | None = None, block_time: int | None = None) -> TransactionView:
    """View of a getTransaction result, or of one transaction of a getBlock result (which gives slot and block time).

    Raises NotATransaction.
    """
    if not isinstance(result, Mapping):
        raise NotATransaction("the result is no object")
    transaction, meta = result.get("transaction"), result.get("meta")
    if transaction is None:
        raise NotATransaction("no transaction in the result")
    if not isinstance(meta, Mapping):
        raise NotATransaction("the result has no meta: whether the transaction succeeded is unknown")
    try:
        return _view(result, transaction, meta, slot, block_time)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, NotATransaction):
            raise
        raise NotATransaction(f"the transaction is not shaped as documented ({type(error).__name__})") from None


def _view(
    result: Mapping[str, Any], transaction: Any, meta: Mapping[str, Any], slot: int | None, block_time: int | None
) -> TransactionView:
    if isinstance(transaction, Mapping):
        signatures, keys, instructions, version, encoding = _from_json(transaction, meta)
    else:
        signatures, keys, instructions, version, encoding = _from_bytes(transaction, meta)
    logs = meta.get("logMessages")
    if not all(isinstance(text, str) for text in (*keys, *signatures, *(logs or ()))):
        raise NotATransaction("a key, signature or log line is no text")
    stated = result.get("version")
    seconds = result.get("blockTime") if result.get("blockTime") is not None else block_time
    status = meta.get("status") or {}
    return TransactionView(
        signature=signatures[0],
        slot=result.get("slot", slot),
        block_time=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
        error=meta["err"] if "err" in meta else status.get("Err"),
        fee=meta["fee"],
        compute_units=meta.get("computeUnitsConsumed"),
        version=version if stated is None else str(stated),
        encoding=encoding,
        logs=logs,
        account_keys=keys,
        instructions=instructions,
        inner={
            group["index"]: [_instruction(item, keys) for item in group["instructions"]]
            for group in meta.get("innerInstructions") or []
        },
        token_balances=_token_balances(meta, keys),
    )


_Message = tuple[Sequence[str], list[str], list[Instruction], str, str]


def _from_json(transaction: Mapping[str, Any], meta: Mapping[str, Any]) -> _Message:
    message = transaction["message"]
    written = message["accountKeys"]
    parsed = bool(written) and isinstance(written[0], Mapping)
    keys = [item["pubkey"] for item in written] if parsed else list(written)
    loaded = _loaded(meta)
    # jsonParsed lists looked-up accounts among the keys already
    if loaded and not (parsed and keys[-len(loaded) :] == loaded):
        keys += loaded
    version = "0" if message.get("addressTableLookups") else "legacy"
    instructions = [_instruction(item, keys) for item in message["instructions"]]
    return transaction["signatures"], keys, instructions, version, "jsonParsed" if parsed else "json"


def _from_bytes(transaction: Any, meta: Mapping[str, Any]) -> _Message:
    text, encoding = (transaction, "base58") if isinstance(transaction, str) else transaction
    if encoding not in ("base64", "base58"):
        raise NotATransaction(f"unknown encoding {encoding!r}"[:60])
    raw = base64.b64decode(text, validate=True) if encoding == "base64" else decode_base58(text)
    decoded = VersionedTransaction.from_bytes(raw)
    message = decoded.message
    keys = [str(key) for key in message.account_keys] + _loaded(meta)
    instructions = [
        Instruction(keys[item.program_id_index], [keys[at] for at in item.accounts], bytes(item.data), 1)
        for item in message.instructions
    ]
    version = "0" if isinstance(message, MessageV0) else "legacy"
    return [str(signature) for signature in decoded.signatures], keys, instructions, version, encoding


def _loaded(meta: Mapping[str, Any]) -> list[str]:
    loaded = meta.get("loadedAddresses") or {}
    return [*loaded.get("writable", ()), *loaded.get("readonly", ())]


def _instruction(item: Mapping[str, Any], keys: Sequence[str]) -> Instruction:
    height = item.get("stackHeight")
    if "programIdIndex" in item:
        return Instruction(keys[item["programIdIndex"]], [keys[at] for at in item["accounts"]], _text(item), height)
    parsed = item.get("parsed")
    return Instruction(
        item["programId"],
        item.get("accounts", ()),
        _text(item) if "data" in item else b"",
        height,
        parsed if isinstance(parsed, Mapping) else None,
    )


def _text(item: Mapping[str, Any]) -> str:
    if not isinstance(item["data"], str):
        raise NotATransaction("data of an instruction is no text")
    return item["data"]


def _token_balances(meta: Mapping[str, Any], keys: Sequence[str]) -> list[TokenBalance]:
    before = {item["accountIndex"]: item for item in meta.get("preTokenBalances") or []}
    after = {item["accountIndex"]: item for item in meta.get("postTokenBalances") or []}
    balances = []
    for at in sorted(before.keys() | after.keys()):
        pre, post = before.get(at), after.get(at)
        known = post or pre
        balances.append(
            TokenBalance(
                account=keys[at],
                owner=known.get("owner"),
                mint=known["mint"],
                decimals=known["uiTokenAmount"]["decimals"],
                pre=None if pre is None else int(pre["uiTokenAmount"]["amount"]),
                post=None if post is None else int(post["uiTokenAmount"]["amount"]),
            )
        )
    return balances
