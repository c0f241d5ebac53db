"""Recorded answers: which JSON documents hold transactions, and what the others are instead."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from ingestion.jsontext import BadJson, loads


class Unusable(ValueError):
    """The document holds no transaction; `code` is the reason code, the message is for a person and quotes nothing."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Recorded(NamedTuple):
    """A getTransaction result, or one transaction of a getBlock result with the block's time."""

    result: Mapping[str, Any]
    block_time: int | None = None


_ENVELOPE = {"result", "error"}


def parse_json(content: bytes | str) -> Any:
    """The JSON value. Raises Unusable with the place of the error."""
    try:
        return orjson.loads(content)  # a node's integers fit 64 bits, so no digit is at risk
    except orjson.JSONDecodeError:
        return _parse_unusual(content)


def _parse_unusual(content: bytes | str) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        raise Unusable("empty", "there is nothing in it")
    try:
        return loads(raw)  # lone surrogates, and the reason for what is no JSON
    except BadJson as error:
        raise Unusable(error.code, f"{error.reason}{_place(raw)}") from None


def _place(raw: bytes) -> str:
    try:
        json.loads(raw.decode())
    except UnicodeDecodeError as error:
        return f" (byte {error.start})"
    except json.JSONDecodeError as error:
        return f" (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        pass
    return ""


def transactions_of(document: Any) -> Iterator[Recorded]:
    """Transactions of a getTransaction or getBlock answer, in a result envelope or bare, or of a list of answers.

    Raises Unusable where a document holds none.
    """
    if isinstance(document, list):
        if not document:
            raise Unusable("not_an_answer", "an empty list, neither a getTransaction nor a getBlock answer")
        for item in document:
            yield from transactions_of(item)
        return
    if not isinstance(document, dict):
        raise Unusable("not_an_answer", f"a JSON {_kind(document)}, neither a getTransaction nor a getBlock answer")
    if "error" in document and document.get("result") is None:
        code = document["error"].get("code") if isinstance(document["error"], dict) else None
        raise Unusable("rpc_error", f"a JSON-RPC error answer (code {code if isinstance(code, int) else 'unknown'})")
    if "result" in document:
        if document["result"] is None:
            raise Unusable("null_answer", "the answer's result is null: the provider did not have it")
        yield from transactions_of(document["result"])
        return
    if "transaction" in document and "meta" in document:
        yield Recorded(document)
    elif "blockhash" in document or "previousBlockhash" in document:
        if not isinstance(document.get("transactions"), list):
            raise Unusable("block_without_transactions", "a getBlock answer without full transactions")
        for item in document["transactions"]:
            if not isinstance(item, dict):
                raise Unusable("block_without_transactions", "a getBlock answer whose transactions are no objects")
            yield Recorded(item, document.get("blockTime"))
    else:
        raise Unusable("not_an_answer", f"{_guess(document)}, neither a getTransaction nor a getBlock answer")


def only_transaction(document: Any) -> Recorded:
    """The one transaction of an answer. Raises Unusable where a document holds none or several."""
    result = document.get("result") if isinstance(document, dict) and "error" not in document else None
    if isinstance(result, dict) and "transaction" in result and "meta" in result and not result.keys() & _ENVELOPE:
        return Recorded(result)  # a plain getTransaction answer, as nearly all are
    recorded = list(transactions_of(document))
    if len(recorded) != 1:
        raise Unusable("not_an_answer", f"the answer holds {len(recorded)} transactions, not one")
    return recorded[0]


def _kind(value: Any) -> str:
    return {str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


def _guess(document: Mapping[str, Any]) -> str:
    if document.get("kind") == "rootNode":
        return "a Codama IDL"
    if isinstance(document.get("instructions"), list):
        return "an Anchor IDL"
    return "a JSON object"
