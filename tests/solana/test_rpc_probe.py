"""Health probes, and what the pool does with them, against the sandbox's RPC server and servers of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rpc_servers import Servers, asked, each, error, ok, result_of, status
from starlette.applications import Starlette
from starlette.routing import Route

from ingestion.solana.rpc import pool as rpc
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.circuit import OPEN_AFTER
from sandbox import addresses
from sandbox.chain import build_chain
from sandbox.rpc import RpcServer, rpc_endpoint
from sandbox.serving import running
from sandbox.world import build_world


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)
    with Servers() as made:
        yield made


def at_slot(slot: int) -> Any:
    return each(lambda call: {"result": slot if call["method"] == "getSlot" else result_of(call)})


def found(pool: rpc.RpcPool) -> list[tuple[str, bool, int | None, str | None]]:
    return [(health.name, health.ok, health.slot, health.reason) for health in pool.probe()]


def test_every_provider_is_asked_once_and_recorded(servers):
    pool = servers.pool(alpha=at_slot(1000), beta=status(503), gamma=at_slot(1150))
    assert found(pool) == [
        ("alpha", True, 1000, None),
        ("beta", False, None, "HTTP 503"),
        ("gamma", True, 1150, None),
    ]
    assert sorted((c.provider, c.method, c.outcome, c.error_code, c.slot, c.batch_size) for c in pool.calls) == [
        ("alpha", "getHealth", "ok", None, None, 1),
        ("alpha", "getSlot", "ok", None, 1000, 1),
        ("beta", "getHealth", "http_error", "503", None, 1),
        ("gamma", "getHealth", "ok", None, None, 1),
        ("gamma", "getSlot", "ok", None, 1150, 1),
    ]


def test_the_latency_is_that_of_the_recorded_get_health(servers):
    pool = servers.pool(alpha=ok, beta=None)
    health = pool.probe()
    latency = {call.provider: call.latency_ms for call in pool.calls if call.method == "getHealth"}
    assert {each.name: each.latency_ms for each in health} == latency


@pytest.mark.parametrize(
    ("alpha", "reason"),
    [
        (at_slot(1_000_000 - 151), "151 slots behind"),
        (error(-32005), "behind (JSON-RPC error -32005)"),
        (status(503), "HTTP 503"),
        (None, "connection refused or host not found"),
        (each(lambda call: {"result": "ill" if call["method"] == "getHealth" else result_of(call)}), "invalid"),
        (
            each(lambda call: {"result": "soon" if call["method"] == "getSlot" else result_of(call)}),
            "invalid",
        ),
    ],
    ids=["lagging", "unhealthy", "503", "down", "odd health", "odd slot"],
)
def test_a_provider_that_is_not_well_is_asked_last_but_not_dropped(servers, alpha, reason):
    newest = each(
        lambda call: (
            {"result": None}
            if call["method"] == "getBlockTime" and call["params"] == [8]
            else {"result": 1_000_000 if call["method"] == "getSlot" else result_of(call)}
        )
    )
    pool = servers.pool(alpha=alpha, beta=newest)
    assert {name: (is_ok, why) for name, is_ok, _, why in found(pool)} == {
        "alpha": (False, reason),
        "beta": (True, None),
    }
    before = len(pool.calls)
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert [call.provider for call in pool.calls[before:]] == ["beta"]
    asked(pool, 8)  # beta does not have this one
    assert [call.provider for call in pool.calls[before + 1 :]][:2] == ["beta", "alpha"]


def test_a_provider_within_its_lag_keeps_its_place(servers):
    pool = servers.pool(alpha=at_slot(1000), beta=at_slot(1150))
    assert [is_ok for _, is_ok, _, _ in found(pool)] == [True, True]
    assert asked(pool, 7) == [("alpha", "ok", 7)]
    strict = servers.pool(settings={"max_slot_lag": 10}, alpha=at_slot(1000), beta=at_slot(1011))
    assert found(strict)[0] == ("alpha", False, 1000, "11 slots behind")
    assert asked(strict, 7) == [("beta", "ok", 7)]


def test_a_provider_that_is_well_again_takes_its_place_back(servers):
    state = {"slot": 1000}
    alpha = each(lambda call: {"result": state["slot"] if call["method"] == "getSlot" else result_of(call)})
    pool = servers.pool(alpha=alpha, beta=at_slot(5000))
    pool.probe()
    assert asked(pool, 7) == [("beta", "ok", 7)]
    state["slot"] = 5000
    pool.probe()
    assert asked(pool, 7) == [("alpha", "ok", 7)]


def test_a_provider_without_get_health_is_as_well_as_its_slot(servers):
    alpha = each(
        lambda call: {"error": {"code": -32601}} if call["method"] == "getHealth" else {"result": result_of(call)}
    )
    pool = servers.pool(alpha=alpha)
    assert found(pool) == [("alpha", True, 1000, None)]


def test_an_answer_of_unhealthy_puts_a_provider_last_until_the_next_probe(servers):
    busy = each(
        lambda call: {"error": {"code": -32005}} if call["params"] == [7] else {"result": result_of(call)}
        if call["method"] == "getBlockTime"
        else {"result": "ok"}
    )  # fmt: skip
    pool = servers.pool(alpha=busy, beta=ok)
    assert asked(pool, 7) == [("beta", "ok", 7)]
    assert asked(pool, 8) == [("beta", "ok", 8)]
    assert servers.methods("alpha") == ["getBlockTime"]


def test_a_probe_closes_a_circuit(servers):
    state: dict[str, Any] = {"down": True}

    def alpha(body: Any, request: Any) -> Any:
        return (status(503) if state["down"] else ok)(body, request)

    pool = servers.pool(settings={"max_concurrency": 1}, alpha=alpha, beta=ok)
    for slot in range(1, OPEN_AFTER + 1):
        assert asked(pool, slot) == [("beta", "ok", slot)]
    assert found(pool)[0] == ("alpha", False, None, "HTTP 503")
    state["down"] = False
    assert found(pool)[0] == ("alpha", True, 1000, None)
    assert asked(pool, 7) == [("alpha", "ok", 7)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Any, str]]:
    chain = build_chain(build_world())
    with running(Starlette(routes=[Route("/", rpc_endpoint(RpcServer(chain)), methods=["POST"])])) as url:
        yield chain, url + "/"


def test_the_sandbox_s_server_is_well_at_its_tip(servers, sandbox):
    chain, url = sandbox
    pool = servers.pool(alpha=url, beta=at_slot(chain.tip - 151))
    assert found(pool) == [
        ("alpha", True, chain.tip, None),
        ("beta", False, chain.tip - 151, "151 slots behind"),
    ]


def test_transactions_of_the_sandbox_in_batches_and_one_by_one_are_the_same_text(servers, sandbox):
    chain, url = sandbox
    listed = [row.signature for row in chain.history(addresses.PROGRAM_ID)][:130]
    wanted = [requests.transaction(signature) for signature in listed]
    singly = servers.pool(alpha=url).ask(wanted)
    batched = servers.pool(settings={"batch_size": 40}, alpha=url).ask(wanted)
    refusing = servers.pool(settings={"batch_size": 120}, alpha=url)  # more than the server takes
    fallen_back = refusing.ask(wanted)
    assert [answer.result["transaction"]["signatures"][0] for answer in singly] == listed
    assert [answer.text for answer in batched] == [answer.text for answer in singly]
    assert [answer.text for answer in fallen_back] == [answer.text for answer in singly]
    assert [call.outcome for call in refusing.calls if call.batch_size == 120] == ["rpc_error"]
    assert {call.batch_size for call in refusing.calls} == {120, 10, 1}


def test_pages_of_signatures_between_two(servers, sandbox):
    chain, url = sandbox
    rows = [row.signature for row in chain.history(addresses.FEE_PAYER)]
    pool = servers.pool(alpha=url)
    (page,) = pool.ask([requests.signatures(addresses.FEE_PAYER, before=rows[3], until=rows[9])])
    assert [entry["signature"] for entry in page.result] == rows[4:9]


def test_a_node_short_of_the_wanted_slot_is_behind(servers, sandbox):
    chain, url = sandbox
    pool = servers.pool(alpha=url)
    reached, ahead = pool.ask(
        [requests.signatures(addresses.FEE_PAYER, min_context_slot=slot) for slot in (chain.tip, chain.tip + 1)]
    )
    assert (reached.outcome, ahead.outcome, ahead.code) == ("ok", "behind", -32016)
