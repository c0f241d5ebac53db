"""The pool against real HTTP servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from solders.rpc.requests import GetBlockTime
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingestion.solana import requests, rpc
from ingestion.solana.rpc import AllProvidersDown, RpcPool
from sandbox.serving import running
from warehouse.config import RpcProvider

Handler = Callable[[Any, HttpRequest], Any]


def ok(body: Any, _: HttpRequest) -> Any:
    """getBlockTime: the slot itself."""
    answers = [
        {"jsonrpc": "2.0", "id": call["id"], "result": call["params"][0]}
        for call in (body if isinstance(body, list) else [body])
    ]
    return answers if isinstance(body, list) else answers[0]


def error(code: int, **data: Any) -> Handler:
    def handler(body: Any, _: HttpRequest) -> Any:
        calls = body if isinstance(body, list) else [body]
        answers = [
            {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": "no", **data}} for call in calls
        ]
        return answers if isinstance(body, list) else answers[0]

    return handler


def status(code: int, **headers: str) -> Handler:
    return lambda body, request: PlainTextResponse(
        "sorry", status_code=code, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def null(body: Any, _: HttpRequest) -> Any:
    return {"jsonrpc": "2.0", "id": body["id"], "result": None}


def in_turn(*handlers: Handler) -> Handler:
    """Each once, the last for ever."""
    waiting = list(handlers)
    return lambda body, request: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(body, request)


class Servers:
    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {}
        self.headers: list[str | None] = []
        self._stack = ExitStack()

    def pool(
        self, batch_size: int = 1, timeout: float = 5, keys: dict[str, str] | None = None, **handlers: Handler | None
    ) -> RpcPool:
        providers = []
        for name, handler in handlers.items():
            url = self._serve(name, handler) if handler else f"http://127.0.0.1:{free_port()}"
            providers.append(
                RpcProvider(
                    name=name,
                    url=url,
                    requests_per_second=10_000,
                    batch_size=batch_size,
                    timeout_seconds=timeout,
                    api_key_env="KEY" if keys else None,
                )
            )
        return self._stack.enter_context(RpcPool(providers, (keys or {}).get, "att"))

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

        app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
        return self._stack.enter_context(running(app)) + "/"

    def close(self) -> None:
        self._stack.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)
    made = Servers()
    yield made
    made.close()


def asked(pool: RpcPool, *slots: int) -> list[tuple[str, str, Any]]:
    return [(a.provider, a.outcome, a.result) for a in pool.ask([requests.block_time(slot) for slot in slots])]


def calls(pool: RpcPool) -> list[tuple[str, str, str | None]]:
    return [(call.provider, call.outcome, call.error_code) for call in pool.calls]


@pytest.mark.parametrize(
    ("handler", "attempts", "outcome", "code"),
    [
        (status(503), 3, "http_error", "503"),
        (status(429, Retry_After="0"), 3, "http_error", "429"),
        (status(403), 1, "http_error", "403"),
        (lambda body, request: PlainTextResponse('{"jsonrpc": "2.0", "id": 0, "resu'), 3, "invalid", None),
        (lambda body, request: PlainTextResponse("<html>"), 3, "invalid", None),
        (lambda body, request: {"jsonrpc": "2.0", "id": body["id"] + 1, "result": 5}, 3, "invalid", None),
        (
            lambda body, request: {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "x"}},
            1,
            "rpc_error",
            "-32600",
        ),
        (
            lambda body, request: {"jsonrpc": "2.0", "id": None, "error": {"code": 429, "message": "x"}},
            3,
            "rpc_error",
            "429",
        ),
        (lambda body, request: {"jsonrpc": "2.0", "id": body["id"], "result": "later"}, 1, "invalid", None),
        (lambda body, request: {"jsonrpc": "2.0", "id": body["id"]}, 1, "invalid", None),
        (null, 1, "null", None),
        (error(-32004), 1, "null", "-32004"),
        (error(-32007), 1, "null", "-32007"),
        (error(-32009), 1, "null", "-32009"),
        (error(-32011), 1, "null", "-32011"),
        (error(-32005), 1, "behind", "-32005"),
        (error(-32005, data={"numSlotsBehind": 42}), 1, "behind", "-32005"),
        (error(-32016, data={"contextSlot": 1}), 1, "behind", "-32016"),
        (error(-32602), 1, "rpc_error", "-32602"),
        (None, 3, "connection", None),
    ],
)
def test_another_provider_is_asked(servers, handler, attempts, outcome, code):
    pool = servers.pool(alpha=handler, beta=ok)
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert calls(pool) == [("alpha", outcome, code)] * attempts + [("beta", "ok", None)]


def test_a_slow_provider_times_out(servers):
    async def slow() -> Any:
        await asyncio.sleep(5)

    pool = servers.pool(timeout=0.2, alpha=lambda body, request: slow(), beta=ok)
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert calls(pool) == [("alpha", "timeout", None)] * 3 + [("beta", "ok", None)]


def test_a_passing_failure_is_retried_with_the_same_provider(servers):
    pool = servers.pool(alpha=in_turn(status(429), status(502), ok), beta=ok)
    assert asked(pool, 7) == [("alpha", "ok", 7)]
    assert calls(pool) == [("alpha", "http_error", "429"), ("alpha", "http_error", "502"), ("alpha", "ok", None)]


def test_what_nobody_has_is_the_answer(servers):
    pool = servers.pool(alpha=null, beta=error(-32009))
    (answer,) = pool.ask([requests.block_time(7)])
    assert (answer.outcome, answer.provider, answer.text) == (
        "null",
        "alpha",
        '{"jsonrpc": "2.0", "id": 0, "result": null}',
    )


def test_every_provider_down_names_each_and_no_secret(servers):
    pool = servers.pool(keys={"KEY": "s3cret"}, alpha=status(503), beta=None)
    with pytest.raises(AllProvidersDown) as caught:
        pool.ask([requests.block_time(7)])
    assert str(caught.value) == "every RPC provider failed: alpha: HTTP 503; beta: connection refused or host not found"
    assert servers.headers == ["Bearer s3cret"] * 3
    assert "s3cret" not in pool.call_lines().decode()


def test_an_address_with_a_key_is_in_no_log(servers, caplog):
    caplog.set_level("INFO")
    pool = servers.pool(alpha=status(503), beta=ok)
    for provider in pool._providers:
        provider.http.endpoint_uri += "?api-key=s3cret"
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert "s3cret" not in caplog.text


def test_one_null_and_one_down_is_an_answer_not_an_outage(servers):
    pool = servers.pool(alpha=null, beta=None)
    assert asked(pool, 7) == [("alpha", "null", None)]


def test_batches_in_any_order_with_their_texts_as_received(servers):
    def shuffled(body: Any, request: HttpRequest) -> Response:
        answers = [f'{{"jsonrpc" : "2.0",\n"result": {call["params"][0]}, "id":{call["id"]}}}' for call in body]
        return PlainTextResponse("[ " + " ,\n ".join(reversed(answers)) + " ]")

    pool = servers.pool(batch_size=3, alpha=shuffled)
    answers = pool.ask([requests.block_time(slot) for slot in (5, 6, 7)])
    assert [answer.result for answer in answers] == [5, 6, 7]
    assert [answer.text for answer in answers] == [
        f'{{"jsonrpc" : "2.0",\n"result": {slot}, "id":{at}}}' for at, slot in enumerate((5, 6, 7))
    ]
    assert [(call.batch_size, call.method) for call in pool.calls] == [(3, "getBlockTime")]


def test_only_the_missing_parts_of_a_batch_go_to_the_next_provider(servers):
    def half(body: Any, request: HttpRequest) -> Any:
        return [
            {"jsonrpc": "2.0", "id": body[0]["id"], "result": body[0]["params"][0]},
            {"jsonrpc": "2.0", "id": body[1]["id"], "error": {"code": -32009, "message": "skipped"}},
        ]  # the third is left out

    pool = servers.pool(batch_size=10, alpha=half, beta=ok)
    assert asked(pool, 5, 6, 7) == [("alpha", "ok", 5), ("beta", "ok", 6), ("beta", "ok", 7)]
    assert [call["params"] for call in servers.seen["beta"][0]] == [[6], [7]]
    assert calls(pool) == [("alpha", "invalid", None), ("beta", "ok", None)]


def test_a_provider_that_keeps_failing_is_left_out_but_probed(servers):
    pool = servers.pool(alpha=in_turn(*[status(503)] * 4, ok), beta=ok)
    for slot in range(45):
        assert asked(pool, slot)[0][1:] == ("ok", slot)
    alpha = [(at, call.outcome) for at, call in enumerate(pool.calls) if call.provider == "alpha"]
    assert alpha[:4] == [(0, "http_error"), (1, "http_error"), (2, "http_error"), (23, "http_error")]
    assert [outcome for _, outcome in alpha[4:]] == ["ok"] * len(alpha[4:])
    assert pool.calls[-1].provider == "alpha"  # a probe found it well again, and it is the preferred one


def test_a_provider_left_out_is_still_the_last_resort(servers):
    pool = servers.pool(alpha=in_turn(*[status(503)] * 3, ok), beta=in_turn(ok, status(403)))
    assert asked(pool, 1) == [("beta", "ok", 1)]
    assert asked(pool, 2) == [("alpha", "ok", 2)]


def test_an_answer_for_another_transaction_is_none(servers, fixtures):
    recorded = json.loads((fixtures / "solana/tx/solders_get_transaction_json_encoding.json").read_text())
    signature = recorded["result"]["transaction"]["signatures"][0]

    def handler(body: Any, _: HttpRequest) -> Any:
        return recorded | {"id": body["id"]}

    pool = servers.pool(alpha=handler)
    right, wrong = pool.ask([requests.transaction(signature), requests.transaction("1" * 64)])
    assert (right.outcome, wrong.outcome) == ("ok", "invalid")


def test_call_records_fit_the_table(servers):
    pool = servers.pool(
        alpha=lambda body, request: {
            "jsonrpc": "2.0",
            "id": body["id"],
            "result": {"context": {"slot": 77}, "value": 5},
        }
    )
    pool.ask([requests.balance("11111111111111111111111111111111")])
    (record,) = [json.loads(line) for line in pool.call_lines().splitlines()]
    assert record.pop("called_at").endswith("Z")
    assert record.pop("latency_ms") >= 0
    assert record == {
        "call_id": "att:000000", "attempt_id": "att", "provider": "alpha", "method": "getBalance", "batch_size": 1,
        "outcome": "ok", "error_code": None, "slot": 77,
    }  # fmt: skip


def test_requests_are_the_library_s():
    assert json.loads(requests.block_time(3).body(9).to_json()) == json.loads(GetBlockTime(3, 9).to_json())
    body = json.loads(requests.transaction("1" * 64).body(1).to_json())
    assert body["params"][1] == {"encoding": "json", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
