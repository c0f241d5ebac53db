"""The circuit breaker: by itself with a clock of ours, and in a pool against real HTTP servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from rpc_servers import Servers, asked, calls, each, error, in_turn, ok, result_of, status
from starlette.requests import Request as HttpRequest

from ingestion.solana.rpc import pool as rpc
from ingestion.solana.rpc.circuit import COOLING, LONGEST_COOLING, OPEN_AFTER, Circuit
from ingestion.solana.rpc.pool import AllProvidersDown


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    for _ in range(OPEN_AFTER):
        circuit.failed()
    return circuit


def test_only_failures_in_a_row_open_it(clock):
    circuit = Circuit(clock)
    for _ in range(3):
        for _ in range(OPEN_AFTER - 1):
            circuit.failed()
        assert circuit.is_closed
        circuit.succeeded()
    for _ in range(OPEN_AFTER):
        circuit.failed()
    assert not circuit.is_closed


def test_a_probe_is_due_after_the_cooling_time_and_one_caller_gets_it(opened, clock):
    clock.now += COOLING - 0.001
    assert not opened.take_probe()
    clock.now += 0.001
    assert [opened.take_probe() for _ in range(3)] == [True, False, False]
    assert not opened.is_closed


def test_a_probe_that_succeeds_closes_it(opened, clock):
    clock.now += COOLING
    opened.take_probe()
    opened.probed(True)
    assert opened.is_closed
    assert not opened.take_probe()
    for _ in range(OPEN_AFTER - 1):
        opened.failed()
    assert opened.is_closed  # the count begins anew


def test_each_probe_that_fails_doubles_the_time_up_to_a_limit(opened, clock):
    waits = []
    for _ in range(7):
        before = clock.now
        while not opened.take_probe():
            clock.now += 1
        waits.append(clock.now - before)
        opened.probed(False)
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert (waits[0], waits[-1]) == (COOLING, LONGEST_COOLING)
    clock.now += LONGEST_COOLING
    assert opened.take_probe()
    opened.probed(True)
    for _ in range(OPEN_AFTER):
        opened.failed()
    clock.now += COOLING
    assert opened.take_probe()  # short again after it was well


def test_calls_that_were_under_way_change_nothing_once_it_is_open(opened, clock):
    opened.succeeded()
    opened.failed()
    assert not opened.is_closed
    clock.now += COOLING
    assert opened.take_probe()


def test_a_rest_that_was_asked_for_lasts_as_asked_within_the_limit(clock):
    for asked_for, lasts in [(30.0, 30.0), (86_400.0, LONGEST_COOLING)]:
        circuit = Circuit(clock)
        circuit.rest(asked_for)
        clock.now += lasts - 1
        assert not circuit.take_probe()
        clock.now += 1
        assert circuit.take_probe()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)
    with Servers() as made:
        yield made


SINGLE = {"max_concurrency": 1}


def test_a_provider_that_keeps_failing_is_left_out_until_a_probe_finds_it_well(servers):
    alpha = in_turn(*[status(503)] * OPEN_AFTER, status(503), ok)  # the sixth answers the first probe
    pool = servers.pool(settings=SINGLE, alpha=alpha, beta=ok)
    for slot in range(1, 11):
        assert asked(pool, slot) == [("beta", "ok", slot)]
    assert servers.methods("alpha") == ["getBlockTime"] * OPEN_AFTER

    servers.now += COOLING
    assert asked(pool, 11) + asked(pool, 12) == [("beta", "ok", 11), ("beta", "ok", 12)]
    assert servers.methods("alpha")[OPEN_AFTER:] == ["getHealth"]
    servers.now += 2 * COOLING - 1
    assert asked(pool, 13) == [("beta", "ok", 13)]
    assert servers.methods("alpha")[OPEN_AFTER:] == ["getHealth"]
    servers.now += 1
    assert asked(pool, 14) == [("alpha", "ok", 14)]  # well again, and preferred
    assert servers.methods("alpha")[OPEN_AFTER:] == ["getHealth", "getHealth", "getBlockTime"]


def test_half_open_lets_exactly_one_call_through_however_much_waits(servers):
    seen: list[tuple[str, int]] = []
    under_way = 0

    async def alpha(body: Any, request: HttpRequest) -> Any:
        nonlocal under_way
        under_way += 1
        seen.append((body["method"], under_way))
        await asyncio.sleep(0.05)
        under_way -= 1
        return status(503)(body, request)

    pool = servers.pool(settings={"max_concurrency": 5}, alpha=alpha, beta=ok)
    assert [result for _, _, result in asked(pool, *range(1, 41))] == list(range(1, 41))
    assert {method for method, _ in seen} == {"getBlockTime"}
    seen.clear()
    servers.now += COOLING
    assert asked(pool, *range(1, 41)) == [("beta", "ok", slot) for slot in range(1, 41)]
    assert seen == [("getHealth", 1)]


def test_an_unhealthy_node_that_answers_is_asked_last_not_left_out(servers):
    unhealthy = each(
        lambda call: {"error": {"code": -32005}} if call["method"] == "getHealth" else {"result": result_of(call)}
    )
    pool = servers.pool(settings=SINGLE, alpha=in_turn(*[status(503)] * OPEN_AFTER, unhealthy), beta=ok)
    for slot in range(1, OPEN_AFTER + 1):
        asked(pool, slot)
    servers.now += COOLING
    assert asked(pool, 7) == [("alpha", "ok", 7)]  # its own probe was due: the order stood by then
    assert asked(pool, 8) == [("beta", "ok", 8)]
    assert asked(pool, 9, among=["alpha"]) == [("alpha", "ok", 9)]


def test_every_provider_left_out_fails_at_once_and_names_each_with_its_reason(servers):
    pool = servers.pool(settings=SINGLE, alpha=status(503), beta=None)
    for _ in range(2):
        with pytest.raises(AllProvidersDown):
            asked(pool, 7)
    made = len(pool.calls)
    with pytest.raises(AllProvidersDown) as caught:
        asked(pool, 7)
    assert caught.value.reasons == {
        "alpha": "left out for now, its last failure: HTTP 503",
        "beta": "left out for now, its last failure: connection refused or host not found",
    }
    assert len(pool.calls) == made == 2 * OPEN_AFTER


def test_answers_that_are_no_outage_keep_the_circuit_closed(servers):
    for handler in (error(-32016), error(-32602), each(lambda call: {"result": None})):
        pool = servers.pool(settings=SINGLE, alpha=handler)
        for _ in range(OPEN_AFTER + 1):
            asked(pool, 7)
        assert len(calls(pool)) == OPEN_AFTER + 1
