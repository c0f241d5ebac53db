"""Each RPC fault as a client meets it over HTTP, and that the same seed gives the same faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox import addresses
from sandbox.app import Platform, build_app
from sandbox.chain import SimulatedChain, build_chain
from sandbox.serving import running
from sandbox.world import build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]
LISTING = ("getSignaturesForAddress", PROGRAM, {"limit": 50})
READ = {"encoding": "json", "maxSupportedTransactionVersion": 0}


@pytest.fixture(scope="module")
def chain() -> SimulatedChain:
    return build_chain(build_world(days=1))


@pytest.fixture(scope="module")
def client(chain: SimulatedChain) -> Iterator[httpx.Client]:
    with running(build_app(Platform("simulated", chain, None))) as url, httpx.Client(base_url=url) as client:
        yield client


def put(client: httpx.Client, **document: Any) -> None:
    answer = client.put("/control/rpc", json=document)
    assert answer.status_code == 200, answer.text


def injected(client: httpx.Client) -> dict[str, dict[str, int]]:
    return client.get("/control/rpc").json()["injected"]


def call(number: int, method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def post(client: httpx.Client, *asked: Any, provider: str = "alpha", **options: Any) -> httpx.Response:
    return client.post(f"/rpc/{provider}", json=call(1, *asked), **options)


def result(client: httpx.Client, *asked: Any, provider: str = "alpha") -> Any:
    return post(client, *asked, provider=provider).json()["result"]


def error(client: httpx.Client, *asked: Any) -> dict[str, Any]:
    return post(client, *asked).json()["error"]


def signatures(page: list[dict[str, Any]]) -> list[str]:
    return [entry["signature"] for entry in page]


def test_without_faults_both_providers_answer(client: httpx.Client, chain: SimulatedChain) -> None:
    put(client)
    assert result(client, "getSlot") == result(client, "getSlot", provider="beta") == chain.tip
    assert client.get("/control/rpc").json() == {
        "faults": {"seed": 0, "alpha": {}, "beta": {}},
        "requests": {"alpha": 1, "beta": 1},
        "injected": {},
    }


def test_rate_limits_over_http_and_in_the_body(client: httpx.Client) -> None:
    put(client, alpha={"rate_limited": {"form": "http", "retry_after": 3}})
    answers = [post(client, "getSlot") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {429}
    assert {answer.headers.get("retry-after") for answer in answers} == {None, "3"}
    put(client, alpha={"rate_limited": {"form": "body"}})
    answer = post(client, "getSlot")
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["id"]) == (200, 429, 1)
    put(client, alpha={"rate_limited": {}})
    assert {post(client, "getSlot").status_code for _ in range(20)} == {200, 429}
    assert injected(client) == {"alpha": {"rate_limited": 20}}
    assert post(client, "getSlot", provider="beta").json()["result"]


def test_server_errors(client: httpx.Client) -> None:
    put(client, alpha={"server_error": {}}, beta={"server_error": {"statuses": [502]}})
    assert {post(client, "getSlot").status_code for _ in range(30)} == {500, 502, 503}
    assert {post(client, "getSlot", provider="beta").status_code for _ in range(5)} == {502}


def test_late_answers(client: httpx.Client, chain: SimulatedChain) -> None:
    put(client, alpha={"hang": {"seconds": 30}}, beta={"slow": {"seconds": 0.01}})
    with pytest.raises(httpx.ReadTimeout):
        post(client, "getSlot", timeout=0.3)
    assert result(client, "getSlot", provider="beta") == chain.tip
    assert injected(client) == {"alpha": {"hang": 1}, "beta": {"slow": 1}}


def test_half_an_answer(client: httpx.Client) -> None:
    put(client)
    whole = post(client, *LISTING).content
    put(client, alpha={"half_answer": {}})
    with client.stream("POST", "/rpc/alpha", json=call(1, *LISTING)) as answer:
        assert (answer.status_code, int(answer.headers["content-length"])) == (200, len(whole))
        parts: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            parts.extend(answer.iter_raw())
    assert b"".join(parts) == whole[: len(whole) // 2]


def test_invalid_json(client: httpx.Client) -> None:
    put(client, alpha={"invalid_json": {}})
    answer = post(client, "getSlot")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_null_for_a_share_of_the_transactions(client: httpx.Client, chain: SimulatedChain) -> None:
    put(client, seed=5, alpha={"null_transaction": {"share": 0.3}})
    everything = [tx.signature for tx in chain.transactions]

    def nulls() -> set[str]:
        return {s for s in everything if result(client, "getTransaction", s, READ) is None}

    first = nulls()
    assert 0.2 < len(first) / len(everything) < 0.4
    assert nulls() == first  # fixed by the signature, not by the request
    assert injected(client) == {"alpha": {"null_transaction": 2 * len(first)}}
    assert first <= set(signatures(result(client, "getSignaturesForAddress", PROGRAM)) + everything[:4])
    assert result(client, "getTransaction", min(first), READ, provider="beta")["slot"] == chain.row(min(first)).slot
    given = everything[40]
    put(client, alpha={"null_transaction": {"signatures": [given]}})
    assert nulls() == {given}
    batch = client.post("/rpc/alpha", json=[call(n, "getTransaction", everything[39 + n], READ) for n in (0, 1)]).json()
    assert [answer["result"] is None for answer in batch] == [False, True]


def test_a_node_that_is_behind_knows_nothing_newer(client: httpx.Client, chain: SimulatedChain) -> None:
    last = chain.transactions[-1]
    lag = chain.tip - last.plan.slot + 1  # the last transaction is just unknown
    put(client, alpha={"behind": {"slots": lag}})
    assert result(client, "getSlot") == chain.tip - lag
    assert result(client, "getBlockHeight") == chain.tip - lag - 300_000_000
    assert error(client, "getHealth") == {
        "code": -32005,
        "message": f"Node is behind by {lag} slots",
        "data": {"numSlotsBehind": lag},
    }
    assert error(client, "getSlot", {"minContextSlot": chain.tip})["code"] == -32016
    assert error(client, "getBlockTime", chain.tip)["code"] == -32004
    known = [tx for tx in chain.transactions if tx.plan.slot <= chain.tip - lag]
    assert len(known) < len(chain.transactions)
    for account in (PROGRAM, VAULT, addresses.FEE_PAYER):
        listed = signatures(result(client, "getSignaturesForAddress", account))
        assert listed == [tx.signature for tx in reversed(known) if account in tx.keys]
    assert result(client, "getTransaction", last.signature, READ) is None
    assert result(client, "getSignaturesForAddress", PROGRAM, {"before": last.signature}) == []
    half = chain.tip - chain.transactions[150].plan.slot
    put(client, alpha={"behind": {"slots": half}})
    touching = [tx for tx in chain.transactions[:151] if VAULT in tx.keys][-1]
    (left,) = [b for b in touching.meta["postTokenBalances"] if touching.keys[b["accountIndex"]] == VAULT]
    amount = result(client, "getTokenAccountBalance", VAULT)
    assert (amount["context"]["slot"], amount["value"]) == (chain.tip - half, left["uiTokenAmount"])
    assert amount["value"] != result(client, "getTokenAccountBalance", VAULT, provider="beta")["value"]
    paid = [tx for tx in chain.transactions[:151] if tx.keys[0] == addresses.FEE_PAYER][-1]
    assert result(client, "getBalance", addresses.FEE_PAYER)["value"] == paid.meta["postBalances"][0]


def test_omitted_signatures_are_nowhere_but_the_balances_know(client: httpx.Client, chain: SimulatedChain) -> None:
    gone = next(tx for tx in chain.transactions[200:] if VAULT in tx.keys).signature
    put(client, alpha={"omit": {"signatures": [gone]}})
    for account in (PROGRAM, VAULT):
        right = signatures(result(client, "getSignaturesForAddress", account, provider="beta"))
        assert signatures(result(client, "getSignaturesForAddress", account)) == [s for s in right if s != gone]
        assert gone in right
    assert result(client, "getTransaction", gone, READ) is None
    assert result(client, "getSignatureStatuses", [gone], {"searchTransactionHistory": True})["value"] == [None]
    same = ("getTokenAccountBalance", VAULT)
    assert result(client, *same)["value"] == result(client, *same, provider="beta")["value"]
    assert injected(client) == {"alpha": {"omit": 4}}
    put(client, seed=3, alpha={"omit": {"share": 0.25}})
    listed = signatures(result(client, "getSignaturesForAddress", PROGRAM))
    right = signatures(result(client, "getSignaturesForAddress", PROGRAM, provider="beta"))
    assert [s for s in right if s in listed] == listed
    assert 0.15 < 1 - len(listed) / len(right) < 0.35


def test_pages_with_entries_twice_and_out_of_order_keep_their_set(client: httpx.Client) -> None:
    put(client)
    right = signatures(result(client, *LISTING))
    put(client, alpha={"duplicates": {"entries": 0.2}}, beta={"out_of_order": {"reach": 4}})
    doubled = signatures(result(client, *LISTING))
    assert len(doubled) == 60
    assert list(dict.fromkeys(doubled)) == right
    assert len(set(doubled)) == 50
    shuffled = signatures(result(client, *LISTING, provider="beta"))
    assert shuffled != right
    for at in range(0, 50, 4):
        assert sorted(shuffled[at : at + 4]) == sorted(right[at : at + 4])
    assert signatures(result(client, *LISTING, provider="beta")) != shuffled  # another request, other dice
    assert injected(client) == {"alpha": {"duplicates": 1}, "beta": {"out_of_order": 2}}


def test_batches_lack_answers_or_are_refused(client: httpx.Client, chain: SimulatedChain) -> None:
    batch = [call(n, "getSlot") for n in range(10)]
    put(client, alpha={"batch_partial": {"left_out": 0.3}}, beta={"no_batch": {"status": 400}})
    answers = client.post("/rpc/alpha", json=batch).json()
    ids = [answer["id"] for answer in answers]
    assert len(ids) == 7
    assert ids == sorted(set(ids))
    assert {answer["result"] for answer in answers} == {chain.tip}
    assert client.post("/rpc/alpha", json=batch[:1]).json() == []  # one is left out however small the share
    assert result(client, "getSlot") == chain.tip
    refused = client.post("/rpc/beta", json=batch)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32600)
    assert result(client, "getSlot", provider="beta") == chain.tip
    assert injected(client) == {"alpha": {"batch_partial": 2}, "beta": {"no_batch": 1}}


def test_down_with_an_answer_or_without(client: httpx.Client, chain: SimulatedChain) -> None:
    put(client, alpha={"down": {"first": 2}}, beta={"down": {"form": "dropped"}})
    assert [post(client, "getSlot").status_code for _ in range(4)] == [503, 503, 200, 200]
    with pytest.raises(httpx.TransportError):
        post(client, "getSlot", provider="beta")
    assert injected(client) == {"alpha": {"down": 2}, "beta": {"down": 1}}


def test_only_the_named_methods_and_a_share(client: httpx.Client) -> None:
    put(client, seed=1, alpha={"server_error": {"methods": ["getSlot"], "share": 0.5, "statuses": [500]}})
    assert {post(client, "getHealth").status_code for _ in range(10)} == {200}
    assert 25 < [post(client, "getSlot").status_code for _ in range(100)].count(500) < 75


def test_the_same_seed_gives_the_same_faults(client: httpx.Client) -> None:
    kinds = {"rate_limited": {"share": 0.3}, "server_error": {"share": 0.3}, "invalid_json": {"share": 0.3}}

    def seen(seed: int, provider: str) -> list[tuple[int, bytes]]:
        put(client, seed=seed, alpha=kinds, beta=kinds)
        answers = [post(client, *LISTING, provider=provider) for _ in range(40)]
        return [(answer.status_code, answer.content) for answer in answers]

    first = seen(1, "alpha")
    assert len(set(first)) > 4
    assert seen(1, "alpha") == first
    assert seen(2, "alpha") != first
    assert seen(1, "beta") != first


def test_a_wrong_configuration_changes_nothing(client: httpx.Client) -> None:
    put(client, alpha={"down": {}})
    refused = client.put("/control/rpc", json={"alpha": {"behind": {"slots": 0}}})
    assert (refused.status_code, "alpha.behind.slots" in refused.json()["error"]) == (400, True)
    assert client.put("/control/rpc", content=b"{").json() == {"error": "the body is not JSON"}
    assert post(client, "getSlot").status_code == 503
    assert client.get("/control/chain").status_code == 404  # this chain is as it is
