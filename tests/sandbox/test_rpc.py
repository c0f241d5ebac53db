"""The RPC server, in process, over HTTP with the official client, and over recorded data."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from solders.rpc.responses import GetSignaturesForAddressResp, GetTokenAccountBalanceResp
from solders.signature import Signature
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.rpc import RpcServer, rpc_endpoint
from sandbox.world import build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]
FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "solana"
UNKNOWN = str(Signature.from_bytes(bytes([9]) * 64))


@pytest.fixture(scope="module")
def chain() -> SimulatedChain:
    return build_chain(build_world())


@pytest.fixture(scope="module")
def server(chain: SimulatedChain) -> RpcServer:
    return RpcServer(chain)


@pytest.fixture(scope="module")
def down() -> dict[str, bool]:
    return {"alpha": False}


@pytest.fixture(scope="module")
def url(server: RpcServer, down: dict[str, bool]) -> Iterator[str]:
    """A real HTTP server with two providers; alpha can be taken down."""
    methods = ["GET", "POST"]
    app = Starlette(
        routes=[
            Route("/rpc/alpha", rpc_endpoint(server, lambda: down["alpha"]), methods=methods),
            Route("/rpc/beta", rpc_endpoint(server), methods=methods),
        ]
    )
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)


def result(server: RpcServer, method: str, *params: Any) -> Any:
    answer = server.handle(method, list(params), 7)
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == 7
    assert "error" not in answer, answer
    return answer["result"]


def error(server: RpcServer, method: str, *params: Any) -> dict[str, Any]:
    answer = server.handle(method, list(params), 7)
    assert "result" not in answer
    assert answer["id"] == 7
    return answer["error"]


def test_signatures_come_newest_first_with_failed_ones(server: RpcServer, chain: SimulatedChain) -> None:
    page = result(server, "getSignaturesForAddress", PROGRAM, {"limit": 1000})
    rest = result(server, "getSignaturesForAddress", PROGRAM, {"before": page[-1]["signature"]})
    assert len(page) == 1000
    expected = [tx for tx in reversed(chain.transactions) if PROGRAM in tx.keys]
    assert [row["signature"] for row in page + rest] == [tx.signature for tx in expected]
    assert [row["err"] for row in page + rest] == [tx.meta["err"] for tx in expected]
    assert {tuple(row) for row in page} == {("blockTime", "confirmationStatus", "err", "memo", "signature", "slot")}
    body = json.dumps({"jsonrpc": "2.0", "result": page, "id": 1})
    assert len(GetSignaturesForAddressResp.from_json(body).value) == 1000


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_join_without_gap_or_repeat(server: RpcServer, limit: int) -> None:
    whole = [row["signature"] for row in result(server, "getSignaturesForAddress", addresses.FEE_PAYER)]
    joined: list[str] = []
    while True:
        options: dict[str, Any] = {"limit": limit, "minContextSlot": 300_000_000}
        if joined:
            options["before"] = joined[-1]
        page = result(server, "getSignaturesForAddress", addresses.FEE_PAYER, options)
        if not page:
            break
        joined += [row["signature"] for row in page]
    assert joined == whole
    middle = result(server, "getSignaturesForAddress", addresses.FEE_PAYER, {"before": whole[10], "until": whole[20]})
    assert [row["signature"] for row in middle] == whole[11:20]


def test_bounds_may_be_other_addresses_signatures(server: RpcServer, chain: SimulatedChain) -> None:
    everything = [row["signature"] for row in result(server, "getSignaturesForAddress", VAULT)]
    foreign = [tx.signature for tx in chain.transactions if VAULT not in tx.keys][5]
    older = result(server, "getSignaturesForAddress", VAULT, {"before": foreign})
    newer = result(server, "getSignaturesForAddress", VAULT, {"until": foreign})
    assert [row["signature"] for row in [*newer, *older]] == everything
    assert older
    assert newer
    assert result(server, "getSignaturesForAddress", VAULT, {"before": UNKNOWN}) == []
    assert [
        row["signature"] for row in result(server, "getSignaturesForAddress", VAULT, {"until": UNKNOWN})
    ] == everything
    assert result(server, "getSignaturesForAddress", addresses.address("nobody")) == []


def test_transaction_versions_and_unknown_signatures(server: RpcServer, chain: SimulatedChain) -> None:
    new = next(tx for tx in chain.transactions if tx.version == 0).signature
    old = next(tx for tx in chain.transactions if tx.version == "legacy").signature
    refused = error(server, "getTransaction", new, {"encoding": "json"})
    assert refused["code"] == -32015
    assert "maxSupportedTransactionVersion" in refused["message"]
    assert result(server, "getTransaction", new, {"maxSupportedTransactionVersion": 0})["version"] == 0
    assert "version" not in result(server, "getTransaction", old)
    given = result(server, "getTransaction", old, {"encoding": "base64", "maxSupportedTransactionVersion": 0})
    assert given["version"] == "legacy"
    assert given["transaction"][1] == "base64"
    assert result(server, "getTransaction", old, "base58")["transaction"][1] == "base58"
    assert result(server, "getTransaction", UNKNOWN) is None


def test_balances_slot_and_time(server: RpcServer, chain: SimulatedChain) -> None:
    tip = result(server, "getSlot", {"commitment": "finalized"})
    assert tip == chain.tip == 300_863_990
    amount = result(server, "getTokenAccountBalance", VAULT)
    assert amount["context"]["slot"] == tip
    last = [tx for tx in chain.transactions if VAULT in tx.keys][-1]
    (post,) = [b for b in last.meta["postTokenBalances"] if last.keys[b["accountIndex"]] == VAULT]
    assert amount["value"] == post["uiTokenAmount"]
    body = json.dumps({"jsonrpc": "2.0", "result": amount, "id": 1})
    assert GetTokenAccountBalanceResp.from_json(body).value.amount == post["uiTokenAmount"]["amount"]
    payer = [tx for tx in chain.transactions if tx.keys[0] == addresses.FEE_PAYER][-1]
    assert result(server, "getBalance", addresses.FEE_PAYER)["value"] == payer.meta["postBalances"][0]
    assert result(server, "getBalance", addresses.address("nobody"))["value"] == 0
    assert result(server, "getBlockTime", tip) == 1_791_503_996  # 2026-10-08T23:59:56Z
    assert result(server, "getBlockTime", 300_000_000) == 1_791_158_400  # 2026-10-05T00:00:00Z
    assert result(server, "getBlockHeight") == 863_990
    assert result(server, "getHealth") == "ok"
    assert result(server, "getFirstAvailableBlock") == 0
    assert set(result(server, "getVersion")) == {"solana-core", "feature-set"}


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("getNothing", [], -32601, "Method not found"),
        ("getTransaction", [], -32602, "Invalid param"),
        ("getTransaction", ["abc"], -32602, "Invalid param"),
        ("getTransaction", [UNKNOWN, {"encoding": "xml"}], -32602, "unknown variant `xml`"),
        ("getTransaction", [UNKNOWN, {"commitment": "processed"}], -32602, "commitment below `confirmed`"),
        ("getSignaturesForAddress", [], -32602, "at least 1 argument"),
        ("getSignaturesForAddress", ["nonsense"], -32602, "Invalid param"),
        ("getSignaturesForAddress", [PROGRAM, {"limit": 1001}], -32602, "Invalid limit; max 1000"),
        ("getSignaturesForAddress", [PROGRAM, {"limit": 0}], -32602, "Invalid limit; max 1000"),
        ("getSignaturesForAddress", [PROGRAM, {"before": "x"}], -32602, "Invalid param"),
        ("getSignaturesForAddress", [PROGRAM, {"commitment": "final"}], -32602, "unknown variant `final`"),
        ("getTokenAccountBalance", [addresses.address("nobody")], -32602, "could not find account"),
        ("getTokenAccountBalance", [PROGRAM], -32602, "not a Token account"),
        ("getSlot", [{"minContextSlot": 400_000_000}], -32016, "Minimum context slot"),
        ("getBlockTime", ["x"], -32602, "expected u64"),
        ("getBlockTime", [400_000_000], -32004, "Block not available for slot 400000000"),
        ("getBlockTime", [5], -32001, "First available block: 300000000"),
    ],
)
def test_error_codes(server: RpcServer, method: str, params: list[Any], code: int, words: str) -> None:
    refused = error(server, method, *params)
    assert refused["code"] == code
    assert words in refused["message"]


def test_bodies_and_batches(server: RpcServer) -> None:
    def call(method: str, number: int) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": number, "method": method}

    def send(body: Any) -> Any:
        return server.handle_body(json.dumps(body).encode())

    answers = send([call("getSlot", 1), call("nope", 2), {"jsonrpc": "2.0", "method": "getSlot"}, call("getHealth", 3)])
    assert [a["id"] for a in answers] == [1, 2, 3]
    assert answers[1]["error"]["code"] == -32601
    assert answers[2]["result"] == "ok"
    assert send(call("getHealth", 4)) == {"jsonrpc": "2.0", "result": "ok", "id": 4}
    assert send([])["error"]["code"] == -32600
    assert send({"id": 1})["error"]["code"] == -32600
    assert send({"jsonrpc": "2.0", "method": "getSlot"}) is None
    assert send({**call("getBalance", 5), "params": {"a": 1}})["error"]["code"] == -32602
    assert server.handle_body(b"{")["error"]["code"] == -32700


def test_the_official_client_over_http(url: str, chain: SimulatedChain) -> None:
    asyncio.run(_use_official_client(f"{url}/rpc/beta", chain))


async def _use_official_client(url: str, chain: SimulatedChain) -> None:
    async with AsyncClient(url) as client:
        assert await client.is_connected()
        assert (await client.get_slot()).value == chain.tip
        rows = (await client.get_signatures_for_address(Pubkey.from_string(PROGRAM), limit=5)).value
        expected = [tx.signature for tx in reversed(chain.transactions) if PROGRAM in tx.keys][:5]
        assert [str(row.signature) for row in rows] == expected
        for encoding in ("json", "base64", "jsonParsed"):
            got = await client.get_transaction(rows[0].signature, encoding, max_supported_transaction_version=0)
            assert got.value.slot == rows[0].slot
            assert got.value.transaction.meta.fee >= 5000
        vault = (await client.get_token_account_balance(Pubkey.from_string(VAULT))).value
        assert (vault.amount, vault.decimals) == (chain.token_amount(VAULT)["amount"], 6)
        payer = Pubkey.from_string(addresses.FEE_PAYER)
        assert (await client.get_balance(payer)).value == chain.lamports(addresses.FEE_PAYER)
        assert (await client.get_block_time(chain.tip)).value == chain.block_time(chain.tip)


def test_provider_down_and_http_faults(url: str, down: dict[str, bool]) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}
    post: Callable[..., httpx.Response] = httpx.post
    down["alpha"] = True
    assert post(f"{url}/rpc/alpha", json=body).status_code == 503
    assert post(f"{url}/rpc/beta", json=body).json()["result"] == "ok"
    down["alpha"] = False
    assert post(f"{url}/rpc/alpha", json=body).json()["result"] == "ok"
    assert post(f"{url}/rpc/alpha", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert httpx.get(f"{url}/rpc/alpha").status_code == 405
    batch = post(f"{url}/rpc/alpha", json=[body, {**body, "id": 2}])
    assert [a["id"] for a in batch.json()] == [1, 2]
