"""Batches, concurrency and rate of one provider, against real HTTP servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rpc_servers import Servers, asked, calls, each, error, in_turn, ok, result_of, status
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from ingestion.solana.rpc import pool as rpc
from ingestion.solana.rpc import requests


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)
    with Servers() as made:
        yield made


def ids(bodies: list[Any]) -> list[Any]:
    """Ids of each body, a list for a batch."""
    return [[call["id"] for call in body] if isinstance(body, list) else body["id"] for body in bodies]


def test_batches_in_any_order_with_their_texts_as_received(servers):
    def shuffled(body: Any, request: HttpRequest) -> Response:
        answers = [f'{{"jsonrpc" : "2.0",\n"result": {call["params"][0]}, "id":{call["id"]}}}' for call in body]
        return PlainTextResponse("[ " + " ,\n ".join(reversed(answers)) + " ]")

    pool = servers.pool(settings={"batch_size": 3}, alpha=shuffled)
    answers = pool.ask([requests.block_time(slot) for slot in (5, 6, 7)])
    assert [answer.result for answer in answers] == [5, 6, 7]
    assert [answer.text for answer in answers] == [
        f'{{"jsonrpc" : "2.0",\n"result": {slot}, "id":{at}}}' for at, slot in enumerate((5, 6, 7))
    ]
    assert [(call.batch_size, call.method) for call in pool.calls] == [(3, "getBlockTime")]


def test_missing_and_invalid_parts_are_asked_for_again_then_of_the_next_provider(servers):
    def halves(body: Any, request: HttpRequest) -> Any:
        """The first of what is asked, rubbish for the second and silence about the rest."""
        if not isinstance(body, list):
            return ok(body, request)
        first, second = body[:2]
        return [
            {"jsonrpc": "2.0", "id": first["id"], "result": first["params"][0]},
            {"jsonrpc": "2.0", "id": second["id"], "result": "rubbish"},
        ]

    pool = servers.pool(settings={"batch_size": 10}, alpha=halves, beta=ok)
    assert asked(pool, 5, 6, 7, 8, 9) == [("alpha", "ok", slot) for slot in (5, 6, 7)] + [
        ("beta", "ok", slot) for slot in (8, 9)
    ]
    assert ids(servers.seen["alpha"]) == [[0, 1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 4]]
    assert ids(servers.seen["beta"]) == [[3, 4]]
    assert calls(pool) == [("alpha", "invalid", None)] * 3 + [("beta", "ok", None)]


def test_only_what_is_not_here_goes_to_the_next_provider(servers):
    half = each(lambda call: {"error": {"code": -32009}} if call["params"][0] == 6 else {"result": result_of(call)})
    pool = servers.pool(settings={"batch_size": 10}, alpha=half, beta=ok)
    assert asked(pool, 5, 6, 7) == [("alpha", "ok", 5), ("beta", "ok", 6), ("alpha", "ok", 7)]
    assert ids(servers.seen["beta"]) == [1]
    assert calls(pool) == [("alpha", "null", "-32009"), ("beta", "ok", None)]


def test_a_rate_limit_on_parts_of_a_batch_is_waited_out(servers):
    limited = each(lambda call: {"error": {"code": 429}} if call["id"] > 0 else {"result": result_of(call)})
    pool = servers.pool(settings={"batch_size": 10}, alpha=in_turn(limited, ok), beta=ok)
    assert asked(pool, 5, 6, 7) == [("alpha", "ok", slot) for slot in (5, 6, 7)]
    assert ids(servers.seen["alpha"]) == [[0, 1, 2], [1, 2]]
    assert calls(pool) == [("alpha", "rpc_error", "429"), ("alpha", "ok", None)]


def test_a_batch_that_is_cut_short_is_sent_again(servers):
    cut = PlainTextResponse('[{"jsonrpc": "2.0", "id": 0, "result": 5}, {"jsonrpc": "2.0", "id": 1, "res')
    pool = servers.pool(settings={"batch_size": 10}, alpha=in_turn(lambda body, request: cut, ok))
    assert asked(pool, 5, 6) == [("alpha", "ok", 5), ("alpha", "ok", 6)]
    assert calls(pool) == [("alpha", "invalid", None), ("alpha", "ok", None)]


def refuse(code: int) -> Any:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "no batches"}}


@pytest.mark.parametrize(
    ("refusal", "outcome", "code"),
    [
        (lambda body, request: PlainTextResponse("too large", status_code=413), "http_error", "413"),
        (lambda body, request: PlainTextResponse("not on your plan", status_code=403), "http_error", "403"),
        (lambda body, request: refuse(-32600), "rpc_error", "-32600"),
        (lambda body, request: [refuse(-32600)], "rpc_error", "-32600"),
        (lambda body, request: ok(body[0], request), "invalid", None),
    ],
    ids=["413", "403", "error", "error in an array", "answer to the first alone"],
)
def test_a_provider_that_refuses_batches_gets_single_requests_from_then_on(servers, refusal, outcome, code):
    def handler(body: Any, request: HttpRequest) -> Any:
        return refusal(body, request) if isinstance(body, list) else ok(body, request)

    pool = servers.pool(settings={"batch_size": 3, "max_concurrency": 1}, alpha=handler, beta=ok)
    assert asked(pool, 5, 6, 7, 8) == [("alpha", "ok", slot) for slot in (5, 6, 7, 8)]
    assert asked(pool, 1, 2) == [("alpha", "ok", slot) for slot in (1, 2)]
    assert ids(servers.seen["alpha"]) == [[0, 1, 2], 0, 1, 2, 3, 0, 1]
    assert calls(pool) == [("alpha", outcome, code)] + [("alpha", "ok", None)] * 6


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (status(503), 3),
        (status(401), 1),
        (lambda body, request: refuse(429), 3),
        (lambda body, request: refuse(-32005), 1),
    ],
    ids=["503", "401", "429", "unhealthy"],
)
def test_an_outage_is_no_refusal_of_batches(servers, failure, attempts):
    pool = servers.pool(settings={"batch_size": 3}, alpha=in_turn(*[failure] * attempts, ok), beta=ok)
    assert asked(pool, 5, 6) == [("beta", "ok", 5), ("beta", "ok", 6)]
    assert asked(pool, 5, 6, among=["alpha"]) == [("alpha", "ok", 5), ("alpha", "ok", 6)]
    assert ids(servers.seen["alpha"]) == [[0, 1]] * (attempts + 1)


class Counting:
    """A handler that holds every call until the expected number is there, and counts how many are."""

    def __init__(self, expected: int) -> None:
        self.now = self.most = 0
        self._expected = expected
        self._together = asyncio.Event()

    async def __call__(self, body: Any, request: HttpRequest) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == self._expected:
            self._together.set()
        await asyncio.wait_for(self._together.wait(), 5)  # fewer at a time than allowed: times out, and fails
        await asyncio.sleep(0.02)  # one call too many would come in now
        self.now -= 1
        return ok(body, request)


@pytest.mark.parametrize(("batch_size", "bound"), [(1, 4), (5, 3), (1, 1)])
def test_as_many_calls_at_a_time_as_allowed_and_no_more(servers, batch_size, bound):
    counting = Counting(bound)
    pool = servers.pool(settings={"batch_size": batch_size, "max_concurrency": bound}, alpha=counting)
    slots = list(range(100, 160))
    assert asked(pool, *slots) == [("alpha", "ok", slot) for slot in slots]
    assert counting.most == bound
    assert len(pool.calls) == 60 / batch_size


def test_single_requests_go_side_by_side_after_a_refusal(servers):
    counting = Counting(4)

    def handler(body: Any, request: HttpRequest) -> Any:
        return PlainTextResponse("no", status_code=413) if isinstance(body, list) else counting(body, request)

    pool = servers.pool(settings={"batch_size": 50, "max_concurrency": 4}, alpha=handler)
    assert asked(pool, *range(1, 41)) == [("alpha", "ok", slot) for slot in range(1, 41)]
    assert counting.most == 4
    assert len(pool.calls) == 41


def test_refused_batches_are_no_failures_of_the_provider(servers):
    together = Counting(6)

    async def handler(body: Any, request: HttpRequest) -> Any:
        if not isinstance(body, list):
            return ok(body, request)
        await together(body, request)
        return PlainTextResponse("no", status_code=413)

    pool = servers.pool(settings={"batch_size": 2, "max_concurrency": 6}, alpha=handler, beta=ok)
    assert asked(pool, *range(1, 13)) == [("alpha", "ok", slot) for slot in range(1, 13)]
    assert [call.error_code for call in pool.calls if call.batch_size == 2] == ["413"] * 6  # more than open a circuit


def test_answers_keep_their_order_whoever_is_slow(servers):
    async def uneven(body: Any, request: HttpRequest) -> Any:
        await asyncio.sleep(0.03 if body["id"] % 4 == 0 else 0)
        return ok(body, request)

    pool = servers.pool(alpha=uneven)
    slots = list(range(40, 0, -1))
    answers = pool.ask([requests.block_time(slot) for slot in slots])
    assert [answer.result for answer in answers] == slots
    assert [answer.text for answer in answers] == [
        f'{{"jsonrpc": "2.0", "id": {at}, "result": {slot}}}' for at, slot in enumerate(slots)
    ]
    assert sorted(call.call_id for call in pool.calls) == [f"att:{at:06d}" for at in range(40)]


def test_a_provider_that_dies_on_the_way_hands_over_the_rest(servers):
    pool = servers.pool(
        settings={"max_concurrency": 1}, alpha=in_turn(ok, ok, status(503), status(503), status(503)), beta=ok
    )
    assert asked(pool, 5, 6, 7, 8) == [("alpha", "ok", 5), ("alpha", "ok", 6), ("beta", "ok", 7), ("beta", "ok", 8)]
    assert ids(servers.seen["beta"]) == [2, 3]


def test_each_request_of_a_batch_counts_for_the_rate(servers):
    times: list[float] = []

    def handler(body: Any, request: HttpRequest) -> Any:
        times.append(time.monotonic())
        return ok(body, request)

    pool = servers.pool(settings={"requests_per_second": 200, "batch_size": 20}, alpha=handler)
    began = time.monotonic()
    asked(pool, *range(1, 101))
    # 20 may go at once, the other 80 take 1/200 s each: no machine is fast enough to make this shorter.
    assert times[-1] - began >= 80 / 200 - 0.01


def test_an_error_of_each_request_is_no_refusal(servers):
    pool = servers.pool(settings={"batch_size": 5}, alpha=error(-32602), beta=ok)
    assert asked(pool, 5, 6) == [("beta", "ok", 5), ("beta", "ok", 6)]
    assert asked(pool, 5, 6, among=["alpha"]) == [("alpha", "rpc_error", None)] * 2
    assert ids(servers.seen["alpha"]) == [[0, 1], [0, 1]]
