"""A Solana JSON-RPC server over a chain: the answers, limits and error codes of a real node, over HTTP or in process.

Example::

    RpcServer(chain).handle("getSlot", [], 1)           # {"jsonrpc": "2.0", "result": 300863990, "id": 1}
    Route("/rpc/alpha", rpc_endpoint(server, is_down=lambda: False), methods=["POST"])
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.chain_protocol import Chain
from sandbox.chain_view import Commitments
from sandbox.rpc_methods import Methods
from sandbox.rpc_params import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError

MAX_BATCH = 100
Endpoint = Callable[[Request], Awaitable[Response]]


class RpcServer:
    """Answers JSON-RPC calls from a chain whose every slot is finalized, or from what a node knows of a chain."""

    def __init__(self, chain: Chain | Commitments) -> None:
        known = chain if isinstance(chain, Commitments) else Commitments.settled(chain)
        self._methods = Methods(known).by_name

    def handle(self, method: str, params: Any, id: Any) -> dict[str, Any]:
        """Answer one call; a fault in the request is an error answer, never an exception."""
        try:
            if method not in self._methods:
                raise RpcError(METHOD_NOT_FOUND, "Method not found")
            if not isinstance(params, list | None):
                raise RpcError(INVALID_PARAMS, "Invalid params: invalid type: map, expected a sequence.")
            return {"jsonrpc": "2.0", "result": self._methods[method](params or []), "id": id}
        except RpcError as error:
            return {"jsonrpc": "2.0", "error": error.body, "id": id}

    def handle_body(self, body: bytes) -> Any:
        """Answer a request body, one call or a batch; None where nothing is to be answered (notifications)."""
        try:
            request = json.loads(body)
        except ValueError:
            return {"jsonrpc": "2.0", "error": {"code": PARSE_ERROR, "message": "Parse error"}, "id": None}
        if isinstance(request, list):
            if not 0 < len(request) <= MAX_BATCH:
                return _invalid_request()
            answers = [answer for call in request if (answer := self._one(call)) is not None]
            return answers or None
        return self._one(request)

    def _one(self, call: Any) -> dict[str, Any] | None:
        if not isinstance(call, Mapping) or not isinstance(call.get("method"), str) or call.get("jsonrpc") != "2.0":
            return _invalid_request()
        answer = self.handle(call["method"], call.get("params"), call.get("id"))
        return answer if "id" in call else None


def rpc_endpoint(server: RpcServer, is_down: Callable[[], bool] = lambda: False) -> Endpoint:
    """A Starlette endpoint for `server`; while `is_down()` every request gets 503, as from a provider's balancer."""

    async def endpoint(request: Request) -> Response:
        if is_down():
            return unavailable()
        return refused_request(request) or rpc_response(server.handle_body(await request.body()))

    return endpoint


def unavailable() -> Response:
    """503 as a provider's balancer sends it."""
    return PlainTextResponse("Service Unavailable", status_code=503)


def refused_request(request: Request) -> Response | None:
    """The refusal of what is no POST of JSON; None for a request that can be answered."""
    if request.method != "POST":
        text = "Used HTTP Method is not allowed. POST or OPTIONS is required\n"
        return PlainTextResponse(text, status_code=405)
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        text = "Supplied content type is not allowed. Content-Type: application/json is required\n"
        return PlainTextResponse(text, status_code=415)
    return None


def rpc_response(answer: Any) -> Response:
    """An answer of RpcServer.handle_body as HTTP; None gives an empty body."""
    return Response(status_code=200) if answer is None else JSONResponse(answer)


def _invalid_request() -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": INVALID_REQUEST, "message": "Invalid request"}, "id": None}
