"""Loopback RPC servers that misbehave on purpose, and pools that ask them."""

from __future__ import annotations

import asyncio
import atexit
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingestion.solana.rpc import requests
from ingestion.solana.rpc.pool import RpcPool
from sandbox.serving import running
from warehouse.config import RpcProvider

Handler = Callable[[Any, HttpRequest], Any]


def each(answer: Callable[[Any], dict[str, Any]]) -> Handler:
    """A handler that answers every call of a body, single or batch."""

    def handler(body: Any, _: HttpRequest) -> Any:
        if isinstance(body, list):
            return [{"jsonrpc": "2.0", "id": call["id"], **answer(call)} for call in body]
        return {"jsonrpc": "2.0", "id": body["id"], **answer(body)}

    return handler


def result_of(call: Any) -> Any:
    """getBlockTime: the slot itself; getSlot: 1000; getHealth: ok."""
    return {"getHealth": "ok", "getSlot": 1000}.get(call["method"]) or call["params"][0]


ok = each(lambda call: {"result": result_of(call)})
null = each(lambda call: {"result": None})


def error(code: Any, **data: Any) -> Handler:
    return each(lambda call: {"error": {"code": code, "message": "no", **data}})


def status(code: int, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda body, request: PlainTextResponse("sorry", status_code=code, headers=named)


def in_turn(*handlers: Handler) -> Handler:
    """Each once, the last for ever."""
    waiting = list(handlers)
    return lambda body, request: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(body, request)


class Servers:
    """`seen` has the bodies that each server got, `headers` the Authorization of each."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {}
        self.headers: list[str | None] = []
        self.now = 0.0
        """What the pools' clocks show, seconds."""
        self._stack = ExitStack()

    def pool(
        self, keys: dict[str, str] | None = None, settings: Any = None, **handlers: Handler | str | None
    ) -> RpcPool:
        """A pool of one server a handler, under its name; an address is a running server, None one that is down."""
        providers = []
        for name, handler in handlers.items():
            if handler is None:
                url = f"http://127.0.0.1:{free_port()}"
            else:
                url = handler if isinstance(handler, str) else self._serve(name, handler)
            given = {"requests_per_second": 100_000, "timeout_seconds": 5, **(settings or {})}
            providers.append(RpcProvider(name=name, url=url, api_key_env="KEY" if keys else None, **given))
        return self._stack.enter_context(RpcPool(providers, (keys or {}).get, "att", lambda: self.now))

    def _serve(self, name: str, handler: Handler) -> str:
        async def endpoint(request: HttpRequest) -> Response:
            body = await request.json()
            self.seen.setdefault(name, []).append(body)
            self.headers.append(request.headers.get("authorization"))
            answer = handler(body, request)
            if asyncio.iscoroutine(answer):
                answer = await answer
            return (
                answer if isinstance(answer, Response) else Response(json.dumps(answer), media_type="application/json")
            )

        url, endpoints = _host()
        key = f"{name}-{len(endpoints)}"
        endpoints[key] = endpoint
        return f"{url}/{key}"

    def raw(self, replies: Sequence[bytes]) -> str:
        """Address of a server that sends these bytes, one a connection and the last for ever, and then hangs up."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._stack.callback(listener.close)
        threading.Thread(target=_hang_up_after, args=(listener, list(replies)), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    def methods(self, name: str) -> list[str]:
        """Method of each body that a server got, of its first request."""
        return [(body[0] if isinstance(body, list) else body)["method"] for body in self.seen.get(name, [])]

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@cache
def _host() -> tuple[str, dict[str, Callable[[HttpRequest], Awaitable[Response]]]]:
    """One server for all tests of the process (to start and stop one takes longer than a test), and its endpoints."""
    endpoints: dict[str, Callable[[HttpRequest], Awaitable[Response]]] = {}

    async def dispatch(request: HttpRequest) -> Response:
        return await endpoints[request.path_params["key"]](request)

    server = running(Starlette(routes=[Route("/{key}", dispatch, methods=["POST"])]))
    url = server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return url, endpoints


def _hang_up_after(listener: socket.socket, replies: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                received += connection.recv(65536)
            connection.sendall(replies.pop(0) if len(replies) > 1 else replies[0])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def asked(pool: RpcPool, *slots: int, among: Any = None) -> list[tuple[str, str, Any]]:
    """Provider, outcome and result of getBlockTime of each slot."""
    answers = pool.ask([requests.block_time(slot) for slot in slots], among)
    return [(answer.provider, answer.outcome, answer.result) for answer in answers]


def calls(pool: RpcPool) -> list[tuple[str, str, str | None]]:
    """Provider, outcome and code of each call of a pool."""
    return [(call.provider, call.outcome, call.error_code) for call in pool.calls]
