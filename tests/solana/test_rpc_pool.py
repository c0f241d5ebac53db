"""The pool against real HTTP servers that misbehave: failover, retries, secrets, the record of the calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from rpc_servers import Servers, asked, calls, each, error, in_turn, null, ok, status
from solders.rpc.requests import GetBlockTime, GetHealth, GetSlot
from solders.signature import Signature
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ingestion.solana.rpc import pool as rpc
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.pool import AllProvidersDown


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)
    with Servers() as made:
        yield made


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
        (lambda body, request: {"jsonrpc": "2.0", "id": body["id"], "result": "later"}, 3, "invalid", None),
        (lambda body, request: {"jsonrpc": "2.0", "id": body["id"]}, 3, "invalid", None),
        (null, 1, "null", None),
        (error(-32004), 1, "null", "-32004"),
        (error(-32007), 1, "null", "-32007"),
        (error(-32009), 1, "null", "-32009"),
        (error(-32011), 1, "null", "-32011"),
        (error(-32005), 1, "behind", "-32005"),
        (error(-32005, data={"numSlotsBehind": 42}), 1, "behind", "-32005"),
        (error(-32016, data={"contextSlot": 1}), 1, "behind", "-32016"),
        (error(-32602), 1, "rpc_error", "-32602"),
        (error([-32602]), 1, "rpc_error", None),
        (error(429), 3, "rpc_error", "429"),
        (lambda body, request: Response(b'{"jsonrpc":"2.0","id":0,"result":7,"x":"\xff"}'), 3, "invalid", None),
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

    pool = servers.pool(settings={"timeout_seconds": 0.5}, alpha=lambda body, request: slow(), beta=ok)
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert calls(pool) == [("alpha", "timeout", None)] * 3 + [("beta", "ok", None)]


def test_a_passing_failure_is_retried_with_the_same_provider(servers):
    pool = servers.pool(alpha=in_turn(status(429), status(502), ok), beta=ok)
    assert asked(pool, 7) == [("alpha", "ok", 7)]
    assert calls(pool) == [("alpha", "http_error", "429"), ("alpha", "http_error", "502"), ("alpha", "ok", None)]


@pytest.mark.parametrize("after", ["3600", "Sat, 21 Nov 2099 10:00:00 GMT"])
def test_a_provider_that_asks_for_a_long_rest_is_left_alone_at_once(servers, after):
    pool = servers.pool(alpha=status(429, Retry_After=after), beta=ok)
    assert asked(pool, 7) + asked(pool, 8) == [("beta", "ok", 7), ("beta", "ok", 8)]
    assert calls(pool) == [("alpha", "http_error", "429"), ("beta", "ok", None), ("beta", "ok", None)]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"jsonrpc": "2.0", "id": 0, "resu', "connection"),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"jso\r\n', "connection"),
        (b"", "connection"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "invalid"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", "connection"),
    ],
    ids=["cut in the body", "cut in a chunk", "no reply", "empty", "no gzip"],
)
def test_a_connection_that_breaks_is_retried(servers, reply, outcome):
    whole = b'{"jsonrpc": "2.0", "id": 0, "result": 7}'
    well = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(whole), whole)
    pool = servers.pool(alpha=servers.raw([reply, reply, well]), beta=ok)
    assert asked(pool, 7) == [("alpha", "ok", 7)]
    assert calls(pool) == [("alpha", outcome, None)] * 2 + [("alpha", "ok", None)]


def test_a_provider_that_drips_is_cut_off(servers):
    async def drip():
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    pool = servers.pool(
        settings={"timeout_seconds": 0.4}, alpha=lambda body, request: StreamingResponse(drip()), beta=ok
    )
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert calls(pool) == [("alpha", "timeout", None)] * 3 + [("beta", "ok", None)]


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
        provider._url += "?api-key=s3cret"
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert "s3cret" not in caplog.text


def test_one_null_and_one_down_is_an_answer_not_an_outage(servers):
    pool = servers.pool(alpha=null, beta=None)
    assert asked(pool, 7) == [("alpha", "null", None)]


def test_among_asks_only_those_named(servers):
    pool = servers.pool(alpha=ok, beta=each(lambda call: {"result": call["params"][0] + 1}), gamma=null)
    assert pool.names == ["alpha", "beta", "gamma"]
    assert asked(pool, 7, among=["beta"]) == [("beta", "ok", 8)]  # the two disagree, and each is heard
    assert asked(pool, 7, among={"alpha"}) == [("alpha", "ok", 7)]
    assert asked(pool, 7, among=["gamma"]) == [("gamma", "null", None)]
    assert asked(pool, 7, among=["gamma", "beta"]) == [("beta", "ok", 8)]  # in configured order
    assert {name: len(bodies) for name, bodies in servers.seen.items()} == {"alpha": 1, "beta": 2, "gamma": 1}


def test_among_fails_without_the_others(servers):
    pool = servers.pool(alpha=ok, beta=status(403))
    with pytest.raises(AllProvidersDown, match=r"^every RPC provider failed: beta: HTTP 403$"):
        asked(pool, 7, among=["beta"])
    with pytest.raises(ValueError, match=r"^no such RPC provider: delta$"):
        asked(pool, 7, among=["alpha", "delta"])
    assert "alpha" not in servers.seen


def test_those_that_denied_what_another_has_are_named(servers):
    def denying(*slots: int) -> Any:
        return each(lambda call: {"result": None if call["params"][0] in slots else call["params"][0]})

    pool = servers.pool(
        settings={"batch_size": 10}, alpha=denying(5, 6, 9), beta=error(-32016), gamma=denying(6, 9), delta=denying(9)
    )
    answers = pool.ask([requests.block_time(slot) for slot in (5, 6, 7, 9)])
    assert [(answer.provider, answer.outcome, answer.denied) for answer in answers] == [
        ("gamma", "ok", ("alpha", "beta")),
        ("delta", "ok", ("alpha", "beta", "gamma")),
        ("alpha", "ok", ()),
        ("alpha", "null", ()),  # nobody has it: nobody is contradicted
    ]


def test_a_failure_or_an_error_is_no_denial(servers):
    pool = servers.pool(alpha=status(503), beta=error(-32603), gamma=ok)
    (answer,) = pool.ask([requests.block_time(7)])
    assert (answer.provider, answer.denied) == ("gamma", ())


def test_the_best_of_the_answers_that_are_not_ok(servers):
    wrong = each(lambda call: {"result": "later"})
    pool = servers.pool(alpha=error(-32005), beta=error(-32602), gamma=wrong)
    (answer,) = pool.ask([requests.block_time(7)])
    assert (answer.provider, answer.outcome, answer.code) == ("beta", "rpc_error", -32602)


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
        "outcome": "ok", "error_code": None, "slot": 77, "failover_from": None,
    }  # fmt: skip


def replaced(pool) -> list[tuple[str, str | None]]:
    return [(call.provider, call.failover_from) for call in pool.calls if call.method != "getHealth"]


@pytest.mark.parametrize("reply", [status(403), error(-32005), error(-32602)])
def test_a_call_in_place_of_a_failed_one_names_who_failed(servers, reply):
    pool = servers.pool(alpha=reply, beta=ok)
    asked(pool, 7)
    assert replaced(pool) == [("alpha", None), ("beta", "alpha")]


def test_a_provider_that_has_no_such_data_did_not_fail(servers):
    pool = servers.pool(alpha=null, beta=ok)
    asked(pool, 7)
    assert replaced(pool) == [("alpha", None), ("beta", None)]


def test_a_call_in_place_of_a_provider_that_was_set_aside_names_it(servers):
    pool = servers.pool(alpha=status(503), beta=ok)
    pool.probe()  # finds alpha unwell, so that beta is asked first
    asked(pool, 7)
    pool.ask([requests.slot()], among=["beta"])  # beta was meant: in nobody's place
    assert replaced(pool) == [("beta", None), ("beta", "alpha"), ("beta", None)]


def test_the_slot_of_a_get_slot_call_is_its_result(servers):
    pool = servers.pool(alpha=ok)
    (answer,) = pool.ask([requests.slot()])
    assert (answer.outcome, answer.result) == ("ok", 1000)
    assert [(call.method, call.slot) for call in pool.calls] == [("getSlot", 1000)]


def test_requests_are_the_library_s():
    assert json.loads(requests.block_time(3).body(9).to_json()) == json.loads(GetBlockTime(3, 9).to_json())
    body = json.loads(requests.transaction("1" * 64).body(1).to_json())
    assert body["params"][1] == {"encoding": "json", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
    assert requests.health().body(4).to_json() == GetHealth(4).to_json()
    body = json.loads(requests.slot().body(4).to_json())
    assert (body["method"], body["id"]) == (json.loads(GetSlot(None, 4).to_json())["method"], 4)
    assert body["params"][0]["commitment"] == "finalized"


def test_signatures_between_two_at_a_commitment():
    address, before, until = "1" * 32, str(Signature.from_bytes(b"b" * 64)), str(Signature.from_bytes(b"u" * 64))
    body = json.loads(requests.signatures(address, before, until, "confirmed", 99).body(3).to_json())
    assert body["params"] == [
        address,
        {"before": before, "until": until, "limit": 1000, "commitment": "confirmed", "minContextSlot": 99},
    ]
    body = json.loads(requests.signatures(address).body(3).to_json())
    assert body["params"][1] == {
        "before": None, "until": None, "limit": 1000, "commitment": "finalized", "minContextSlot": None,
    }  # fmt: skip
    with pytest.raises(KeyError):
        requests.signatures(address, commitment="processed")
