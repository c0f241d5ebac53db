"""JSON-RPC response bodies: what each request got, and the text of it as received."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from solana.rpc.jsonrpc import JsonRpcErrorCode as Code

_BEHIND = {Code.SERVER_ERROR_NODE_UNHEALTHY, Code.SERVER_ERROR_MIN_CONTEXT_SLOT_NOT_REACHED}
_NOT_HERE = {
    Code.SERVER_ERROR_BLOCK_CLEANED_UP,
    Code.SERVER_ERROR_BLOCK_NOT_AVAILABLE,
    Code.SERVER_ERROR_SLOT_SKIPPED,
    Code.SERVER_ERROR_LONG_TERM_STORAGE_SLOT_SKIPPED,
    Code.SERVER_ERROR_TRANSACTION_HISTORY_NOT_AVAILABLE,
    Code.SERVER_ERROR_BLOCK_STATUS_NOT_AVAILABLE_YET,
    Code.SERVER_ERROR_LONG_TERM_STORAGE_UNREACHABLE,
}


class Body(Protocol):
    """A request of solders.rpc.requests."""

    def to_json(self) -> str: ...


class Parser(Protocol):
    """A response class of solders.rpc.responses: validates a response body."""

    @staticmethod
    def from_json(raw: str) -> Any: ...


@dataclass(frozen=True)
class Request:
    """One JSON-RPC request: builder by request id, validating response class, and a check of the result's content."""

    method: str
    body: Callable[[int], Body]
    parser: Parser
    is_answer: Callable[[Any], bool] = lambda result: True


@dataclass(frozen=True)
class Answer:
    """The last word on a request. `text` is the response as received; `result` is None unless the outcome is ok."""

    outcome: str
    provider: str
    text: str
    result: Any = None
    code: int | None = None


class NoAnswer(ValueError):
    """The body answers none of the requests. `code` is the JSON-RPC error that it holds instead, if any."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


def read_answers(text: str, requests: Mapping[int, Request], provider: str) -> list[Answer]:
    """Answers of a response body, in the order of the requests (by id); a missing one is invalid. Raises NoAnswer."""
    try:
        parts = {_id(part): (part, raw) for part, raw in _elements(text)}
    except (ValueError, RecursionError):
        raise NoAnswer("the answer is not JSON") from None
    if not any(at in parts for at in requests):
        for part, _ in parts.values():
            if isinstance(part, dict) and isinstance(part.get("error"), dict):
                raise NoAnswer(f"JSON-RPC error {part['error'].get('code')}", part["error"].get("code"))
        raise NoAnswer("the answer is not that of the request")
    return [
        _answer(*parts[at], request, provider) if at in parts else Answer("invalid", provider, "")
        for at, request in requests.items()
    ]


def _id(part: Any) -> Any:
    return part.get("id") if isinstance(part, dict) else None


def _elements(text: str) -> Iterator[tuple[Any, str]]:
    """Elements of a JSON array with the text of each, untouched; one element for anything but an array."""
    decoder, at = json.JSONDecoder(), _skip(text, 0)
    if text[at : at + 1] != "[":
        yield json.loads(text), text
        return
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        part, end = decoder.raw_decode(text, at)
        yield part, text[at:end]
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ValueError("not a JSON array")


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\n", "\r", "\t"):
        at += 1
    return at


def _answer(part: Any, raw: str, request: Request, provider: str) -> Answer:
    error = part.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        outcome = "behind" if code in _BEHIND else "null" if code in _NOT_HERE else "rpc_error"
        return Answer(outcome, provider, raw, code=code)
    result = part.get("result")
    if result is None:
        return Answer("null" if "result" in part else "invalid", provider, raw)
    ok = _is_valid(raw, request.parser) and request.is_answer(result)
    return Answer("ok", provider, raw, result) if ok else Answer("invalid", provider, raw)


def _is_valid(raw: str, parser: Parser) -> bool:
    try:
        return isinstance(parser.from_json(raw), parser)  # type: ignore[arg-type]
    except Exception:
        return False
    except BaseException as error:  # the bindings let a Rust panic through as a BaseException
        if type(error).__name__ != "PanicException":
            raise
        return False


def context_slot(result: Any) -> int | None:
    """Slot that the node answered at, where the result states it."""
    context = result.get("context") if isinstance(result, dict) else None
    return context.get("slot") if isinstance(context, dict) else None
