"""One view over a getTransaction result in any encoding (json, jsonParsed, base64, base58); all else reads this.

A month holds millions of transactions, and most of what one contains concerns other programs. So the view reads what
every row needs at once, and the instructions' accounts and data only when someone asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ingestion.solana.base58 import decode_base58
from ingestion.solana.message import NotATransaction, message_of_bytes, message_of_json

__all__ = ["Instruction", "NotATransaction", "TokenBalance", "TransactionView", "misshapen", "view_of"]

TRUNCATED = "Log truncated"


SHAPE_ERRORS = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading a value that is not shaped as documented raises."""


def misshapen(error: Exception) -> NotATransaction:
    """The reason for one of SHAPE_ERRORS."""
    if isinstance(error, NotATransaction):
        return error
    return NotATransaction(f"the transaction is not shaped as documented ({type(error).__name__})")


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


class TokenBalance(NamedTuple):
    """Balance of a token account around the transaction, base units; None where the account did not exist."""

    account: str
    owner: str | None
    mint: str
    decimals: int
    pre: int | None
    post: int | None


@dataclass(slots=True)
class TransactionView:
    """What the warehouse reads of a transaction.

    `error` is null where the transaction took effect (`success`). `logs` is None where the node kept none; `log_text`
    is never None, and `log_truncated` says whether the runtime cut it.

    `programs` are the programs of the top-level instructions in order, `inner_programs` those of the inner ones by
    index of the top-level one. `pre_lamports` and `post_lamports` go with `account_keys` by index; both are empty where
    the answer has none.
    """

    signature: str
    slot: int | None
    block_time: datetime | None
    success: bool
    error: Any
    fee: int
    compute_units: int | None
    version: str
    encoding: str
    logs: Sequence[str] | None
    log_text: str
    log_truncated: bool
    account_keys: Sequence[str]
    programs: Sequence[str]
    inner_programs: Mapping[int, Sequence[str]]
    token_balances: Sequence[TokenBalance]
    pre_lamports: Sequence[int]
    post_lamports: Sequence[int]
    _top: Sequence[Mapping[str, Any]]
    _inner: Mapping[int, Sequence[Mapping[str, Any]]]
    _instructions: Sequence[Instruction] | None = None
    _inner_instructions: Mapping[int, Sequence[Instruction]] | None = None

    @property
    def instructions(self) -> Sequence[Instruction]:
        """Top-level instructions. Raises NotATransaction where one is not shaped as documented."""
        if self._instructions is None:
            self._instructions = self._resolved(self._top)
        return self._instructions

    @property
    def inner(self) -> Mapping[int, Sequence[Instruction]]:
        """Inner instructions by index of the top-level one. Raises NotATransaction as `instructions` does."""
        if self._inner_instructions is None:
            self._inner_instructions = {at: self._resolved(items) for at, items in self._inner.items()}
        return self._inner_instructions

    def raw_data(self, top: int, inner: int | None = None) -> str | bytes:
        """Data of one instruction as received: base58 text, or bytes. Raises NotATransaction where it is neither."""
        item = self._top[top] if inner is None else self._inner[top][inner]
        return _data(item)

    def height(self, top: int, inner: int) -> int | None:
        """Recorded height of an inner instruction."""
        return self._inner[top][inner].get("stackHeight")

    def _resolved(self, items: Iterable[Mapping[str, Any]]) -> list[Instruction]:
        try:
            return [_instruction(item, self.account_keys) for item in items]
        except SHAPE_ERRORS as error:
            raise misshapen(error) from None


def view_of(result: Any, slot: int | None = None, block_time: int | None = None) -> TransactionView:
    """View of a getTransaction result, or of one transaction of a getBlock result (which gives slot and block time).

    Raises NotATransaction.
    """
    if not isinstance(result, dict):
        raise NotATransaction("the result is no object")
    transaction, meta = result.get("transaction"), result.get("meta")
    if transaction is None:
        raise NotATransaction("no transaction in the result")
    if not isinstance(meta, dict):
        raise NotATransaction("the result has no meta: whether the transaction succeeded is unknown")
    try:
        return _view(result, transaction, meta, slot, block_time)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from None


def _view(
    result: Mapping[str, Any], transaction: Any, meta: Mapping[str, Any], slot: int | None, block_time: int | None
) -> TransactionView:
    read = message_of_json if isinstance(transaction, dict) else message_of_bytes
    signatures, keys, top, version, encoding = read(transaction, meta)
    logs = meta.get("logMessages")
    stated = result.get("version")
    seconds = result.get("blockTime")
    if seconds is None:
        seconds = block_time
    at, fee, units = result.get("slot", slot), meta["fee"], meta.get("computeUnitsConsumed")
    if not (_is_count(fee) and (at is None or _is_count(at)) and (units is None or _is_count(units))):
        raise NotATransaction("the slot, fee or compute units are no whole numbers")
    error = meta["err"] if "err" in meta else (meta.get("status") or {}).get("Err")
    log_text = _joined(keys, signatures, logs)
    inner = {group["index"]: group["instructions"] for group in meta.get("innerInstructions") or ()}
    return TransactionView(
        signature=signatures[0],
        slot=at,
        block_time=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
        success=error is None,
        error=error,
        fee=fee,
        compute_units=units,
        version=version if stated is None else str(stated),
        encoding=encoding,
        logs=logs,
        log_text=log_text,
        log_truncated=TRUNCATED in log_text and TRUNCATED in logs,
        account_keys=keys,
        programs=_programs(top, keys),
        inner_programs={at: _programs(items, keys) for at, items in inner.items()},
        token_balances=_token_balances(meta, keys),
        pre_lamports=meta.get("preBalances") or (),
        post_lamports=meta.get("postBalances") or (),
        _top=top,
        _inner=inner,
    )


def _joined(keys: Sequence[str], signatures: Sequence[str], logs: Sequence[str] | None) -> str:
    """The log in one text, which shows at once what no line can hold. Raises NotATransaction for what is no text."""
    try:
        "".join(keys), "".join(signatures)
        return "\n".join(logs or ())
    except TypeError:
        raise NotATransaction("a key, signature or log line is no text") from None


def _programs(items: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    return [keys[item["programIdIndex"]] if "programIdIndex" in item else item["programId"] for item in items]


def _instruction(item: Mapping[str, Any], keys: Sequence[str]) -> Instruction:
    height = item.get("stackHeight")
    if "programIdIndex" in item:
        accounts = [keys[at] for at in item["accounts"]]
        return Instruction(keys[item["programIdIndex"]], accounts, _data(item), height)
    parsed = item.get("parsed")
    return Instruction(
        item["programId"],
        item.get("accounts", ()),
        _data(item),
        height,
        parsed if isinstance(parsed, dict) else None,
    )


def _data(item: Mapping[str, Any]) -> str | bytes:
    data = item.get("data", b"" if "programId" in item else None)  # a parsed instruction has none
    if not isinstance(data, str | bytes):
        raise NotATransaction("data of an instruction is no text")
    return data


def _token_balances(meta: Mapping[str, Any], keys: Sequence[str]) -> list[TokenBalance]:
    before = {item["accountIndex"]: item for item in meta.get("preTokenBalances") or ()}
    after = {item["accountIndex"]: item for item in meta.get("postTokenBalances") or ()}
    balances = []
    for at in sorted({*before, *after}):
        pre, post = before.get(at), after.get(at)
        known = post or pre
        decimals = known["uiTokenAmount"]["decimals"]
        if not _is_count(decimals):
            raise NotATransaction("the decimals of a token balance are no whole number")
        amounts = [None if side is None else _token_amount(side) for side in (pre, post)]
        balances.append(TokenBalance(keys[at], known.get("owner"), known["mint"], decimals, *amounts))
    return balances


def _token_amount(balance: Mapping[str, Any]) -> int:
    amount = int(balance["uiTokenAmount"]["amount"])
    if not 0 <= amount < 2**64:
        raise NotATransaction("the amount of a token balance does not fit 64 bits")
    return amount


def _is_count(value: Any) -> bool:
    """Whether a value fits a column of whole numbers: one that does not would stop the load of all others."""
    return type(value) is int and 0 <= value < 2**63
