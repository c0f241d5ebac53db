"""JSON-RPC response bodies: what each request got, and the text of it as received."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from solana.rpc.jsonrpc import JsonRpcErrorCode as Code

UNHEALTHY = Code.SERVER_ERROR_NODE_UNHEALTHY
METHOD_NOT_FOUND = Code.METHOD_NOT_FOUND
BEHIND = {UNHEALTHY, Code.SERVER_ERROR_MIN_CONTEXT_SLOT_NOT_REACHED}
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


def context_slot(result: Any) -> int | None:
    """Slot that the node answered at, where the result states it."""
    context = result.get("context") if isinstance(result, dict) else None
    return context.get("slot") if isinstance(context, dict) else None


@dataclass(frozen=True)
class Request:
    """One JSON-RPC request: builder by request id, validating response class, a check of the result's content, and
    where the result names the slot that the node answered at (called with None when there is no result).
    """

    method: str
    body: Callable[[int], Body]
    parser: Parser
    is_answer: Callable[[Any], bool] = lambda result: True
    slot_of: Callable[[Any], int | None] = context_slot


@dataclass(frozen=True)
class Answer:
    """The last word on a request. `text` is the response as received; `result` is None unless the outcome is ok.

    `denied` names the providers that had said null or behind to this request before this one was ok.
    """

    outcome: str
    provider: str
    text: str
    result: Any = None
    code: int | None = None
    denied: tuple[str, ...] = ()


_OUTCOMES = ("ok", "null", "rpc_error", "behind", "invalid")


def severity(answer: Answer) -> int:
    """Rank of an answer, the best first. Behind and invalid say nothing about what was asked for."""
    return _OUTCOMES.index(answer.outcome)


class NoAnswer(ValueError):
    """The body answers none of the requests. `code` is the JSON-RPC error that it holds instead, if any.

    `is_alone`: one object came where there were several requests.
    """

    def __init__(self, why: str, code: int | None = None, is_alone: bool = False) -> None:
        super().__init__(why)
        self.code, self.is_alone = code, is_alone


def read_answers(text: str, requests: Mapping[int, Request], provider: str) -> dict[int, Answer]:
    """Answers of a response body by request id, each request's; a missing one is invalid. Raises NoAnswer.

    An id that is answered twice, differently, is answered by neither.
    """
    try:
        elements, is_array = _elements(text)
    except (ValueError, RecursionError):
        raise NoAnswer("the answer is not JSON") from None
    is_alone = len(requests) > 1 and not is_array
    parts: dict[int, tuple[Any, str]] = {}
    ambiguous = set()
    for part, raw in elements:
        at = part.get("id") if isinstance(part, dict) else None
        if type(at) is int and parts.setdefault(at, (part, raw))[1] != raw:  # true and 1.0 are no ids of ours
            ambiguous.add(at)
    if is_alone or not any(at in parts for at in requests):
        for part, _ in elements:
            if isinstance(part, dict) and isinstance(part.get("error"), dict):
                code = _code(part["error"])
                raise NoAnswer(f"JSON-RPC error {code}", code, is_alone)
        raise NoAnswer("the answer is not that of the request", is_alone=is_alone)
    return {
        at: _answer(*parts[at], request, provider)
        if at in parts and at not in ambiguous
        else Answer("invalid", provider, "")
        for at, request in requests.items()
    }


def _code(error: Any) -> int | None:
    code = error.get("code") if isinstance(error, dict) else None
    return code if type(code) is int else None


def _elements(text: str) -> tuple[list[tuple[Any, str]], bool]:
    """Elements of a JSON array with the text of each, untouched; one element, and False, for anything but an array."""
    decoder, at = json.JSONDecoder(), _skip(text, 0)
    if text[at : at + 1] != "[":
        return [(json.loads(text), text)], False
    found: list[tuple[Any, str]] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        part, end = decoder.raw_decode(text, at)
        found.append((part, text[at:end]))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ValueError("not a JSON array")
    if _skip(text, at + 1) != len(text):
        raise ValueError("more than a JSON array")
    return found, True


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\n", "\r", "\t"):
        at += 1
    return at


def _answer(part: Any, raw: str, request: Request, provider: str) -> Answer:
    error = part.get("error")
    if error is not None:
        code = _code(error)
        outcome = "behind" if code in BEHIND else "null" if code in _NOT_HERE else "rpc_error"
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
