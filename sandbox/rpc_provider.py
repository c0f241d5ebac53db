"""One RPC provider as a client meets it: a node behind an endpoint, with the faults that are configured for it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import rpc_answers
from sandbox.chain_view import Commitments
from sandbox.connection import BrokenResponse, client_left
from sandbox.rpc import Endpoint, RpcServer, refused_request, rpc_response, unavailable
from sandbox.rpc_faults import Chance, ProviderFaults, RpcFaults
from sandbox.rpc_params import INVALID_REQUEST

RATE_LIMITED = 429


class FaultBoard:
    """The configuration in force and what it has brought about since; one for all providers."""

    def __init__(self, faults: RpcFaults | None = None) -> None:
        self.replace(faults or RpcFaults())

    def replace(self, faults: RpcFaults) -> None:
        """Put another configuration in force; counts and request numbers begin anew."""
        self.faults = faults
        self.requests: Counter[str] = Counter()  # by provider
        self._injected: dict[str, Counter[str]] = {}

    def count(self, provider: str, kind: str) -> None:
        """Write down that a request met a fault."""
        self._injected.setdefault(provider, Counter())[kind] += 1

    def describe(self) -> dict[str, Any]:
        """The configuration, the requests by provider, and those that met a fault: {provider: {kind: number}}."""
        return {
            "faults": self.faults.model_dump(mode="json", exclude_none=True),
            "requests": dict(sorted(self.requests.items())),
            "injected": {name: dict(sorted(kinds.items())) for name, kinds in sorted(self._injected.items())},
        }


def provider_endpoint(name: str, known: Callable[[], Commitments], board: FaultBoard, is_down: bool) -> Endpoint:
    """The endpoint of provider `name`: of what `known()` gives, with the faults on the board.

    Of the faults that prevent an answer a request meets at most one, in the order of `ProviderFaults`; a request may
    meet several of those that change its content. `is_down` stands above all and is not counted.
    """

    async def endpoint(request: Request) -> Response:
        if is_down:
            return unavailable()
        try:
            body = await request.body()
        except ClientDisconnect:  # who asked was killed in the middle of it
            return Response()
        board.requests[name] += 1
        meeting = _Meeting(name, board.faults, board, board.requests[name], body)
        if prevented := meeting.prevented():
            return prevented
        if refused := refused_request(request):
            return refused
        if not await meeting.waited(request):
            return Response()  # nobody is there to read it
        return meeting.sent(rpc_response(meeting.answer(known())))

    return endpoint


class _Meeting:
    """One request and the faults it meets."""

    def __init__(self, provider: str, faults: RpcFaults, board: FaultBoard, number: int, body: bytes) -> None:
        self._provider, self._all, self._board, self._number, self._body = provider, faults, board, number, body
        self._faults: ProviderFaults = faults.of(provider)
        try:
            self._calls = json.loads(body)
        except ValueError:
            self._calls = None
        self._methods = rpc_answers.methods_of(self._calls)

    def _strikes(self, kind: str) -> bool:
        chance: Chance | None = getattr(self._faults, kind)
        return chance is not None and chance.strikes(self._number, self._methods, self._dice(f"{kind}?"))

    def _dice(self, kind: str) -> Any:
        return self._all.dice(self._provider, kind, self._number)

    def _count(self, kind: str) -> None:
        self._board.count(self._provider, kind)

    def prevented(self) -> Response | None:
        """What the client gets instead of any answer; None where nothing prevents one."""
        for kind in ("down", "rate_limited", "server_error", "no_batch"):
            if self._strikes(kind) and (kind != "no_batch" or isinstance(self._calls, list)):
                self._count(kind)
                return getattr(self, f"_{kind}")()
        return None

    def _down(self) -> Response:
        return BrokenResponse() if self._faults.down.form == "dropped" else unavailable()

    def _rate_limited(self) -> Response:
        settings, dice = self._faults.rate_limited, self._dice("rate_limited")
        in_body, with_retry = dice.random() < 0.5, dice.random() < 0.5
        headers = {}
        if settings.retry_after is not None and with_retry:
            headers["Retry-After"] = str(settings.retry_after)
        if settings.form == "body" or (settings.form == "mixed" and in_body):
            error = {"code": RATE_LIMITED, "message": "Too many requests for a specific RPC call"}
            asked = self._calls.get("id") if isinstance(self._calls, dict) else None
            return JSONResponse({"jsonrpc": "2.0", "error": error, "id": asked}, headers=headers)
        return PlainTextResponse("Too Many Requests", RATE_LIMITED, headers)

    def _server_error(self) -> Response:
        return PlainTextResponse(
            "upstream trouble", self._dice("server_error").choice(self._faults.server_error.statuses)
        )

    def _no_batch(self) -> Response:
        error = {"code": INVALID_REQUEST, "message": "Batch requests are not supported"}
        return JSONResponse({"jsonrpc": "2.0", "error": error, "id": None}, self._faults.no_batch.status)

    async def waited(self, request: Request) -> bool:
        """Be late where that is the fault; False when the client has gone meanwhile."""
        for kind in ("hang", "slow"):
            if self._strikes(kind):
                self._count(kind)
                with suppress(TimeoutError):
                    await asyncio.wait_for(client_left(request), getattr(self._faults, kind).seconds)
                    return False
        return True

    def answer(self, known: Commitments) -> Any:
        """The answer's content with every fault of content; each is counted where it made a difference."""
        faults, calls = self._faults, self._calls
        answer = RpcServer(known).handle_body(self._body)
        if faults.behind:
            known = replace(known, lag=faults.behind.slots)
            answer = self._noted("behind", answer, RpcServer(known).handle_body(self._body))
        if faults.omit:
            salt = self._all.salt(self._provider, "omit")
            known = replace(known, is_omitted=lambda signature: faults.omit.holds(signature, salt))
            answer = self._noted("omit", answer, RpcServer(known).handle_body(self._body))
        if faults.null_transaction:
            salt = self._all.salt(self._provider, "null_transaction")
            nulled = rpc_answers.with_null_transactions(answer, calls, lambda s: faults.null_transaction.holds(s, salt))
            answer = self._noted("null_transaction", answer, nulled)
        if self._strikes("out_of_order"):
            shuffled = rpc_answers.out_of_order(answer, calls, faults.out_of_order.reach, self._dice("out_of_order"))
            answer = self._noted("out_of_order", answer, shuffled)
        if self._strikes("duplicates"):
            doubled = rpc_answers.with_duplicates(answer, calls, faults.duplicates.entries, self._dice("duplicates"))
            answer = self._noted("duplicates", answer, doubled)
        if self._strikes("batch_partial"):
            part = rpc_answers.partial_batch(answer, faults.batch_partial.left_out, self._dice("batch_partial"))
            answer = self._noted("batch_partial", answer, part)
        return answer

    def _noted(self, kind: str, before: Any, after: Any) -> Any:
        if after != before:
            self._count(kind)
        return after

    def sent(self, response: Response) -> Response:
        """The response as it gets through: whole, cut off, or no JSON."""
        if self._strikes("half_answer"):
            self._count("half_answer")
            return BrokenResponse(bytes(response.body), len(response.body) // 2)
        if self._strikes("invalid_json"):
            self._count("invalid_json")
            return Response(bytes(response.body)[:-1] + b",", media_type="application/json")
        return response
