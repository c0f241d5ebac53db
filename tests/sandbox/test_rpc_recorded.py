"""Recorded answers served again: like the node they came from, in the encodings they were recorded in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from solders.rpc.responses import GetTransactionResp

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.recorded_chain import RecordedChain
from sandbox.rpc import RpcServer
from sandbox.world import build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]
FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "solana"


@pytest.fixture(scope="module")
def chain() -> SimulatedChain:
    return build_chain(build_world())


@pytest.fixture(scope="module")
def server(chain: SimulatedChain) -> RpcServer:
    return RpcServer(chain)


def result(server: RpcServer, method: str, *params: Any) -> Any:
    answer = server.handle(method, list(params), 7)
    assert "error" not in answer, answer
    return answer["result"]


def test_a_recording_is_served_like_its_original(server: RpcServer, chain: SimulatedChain) -> None:
    """Record part of the simulated chain in mixed encodings and orders, and compare the servers' answers."""
    part = chain.transactions[100:400]
    encodings = ("json", "base64", "jsonParsed", "base58")
    answers: list[Any] = [
        {"jsonrpc": "2.0", "id": 1, "result": chain.transaction(tx.signature, encodings[n % 4])}
        for n, tx in enumerate(part)
    ]
    answers += [chain.transaction(tx.signature, "base64") for tx in part[:40]]  # bare, and partly twice
    recorded = RecordedChain.from_answers(answers)
    assert recorded.unusable == ()
    other = RpcServer(recorded)
    assert recorded.tip == part[-1].plan.slot
    assert recorded.first_slot == part[0].plan.slot
    assert result(other, "getSlot") == part[-1].plan.slot
    inside = {tx.signature for tx in part}
    for address in (PROGRAM, VAULT, addresses.TREASURY_ACCOUNTS[addresses.SKILL_MINT], part[0].keys[0]):
        mine = [row for row in result(server, "getSignaturesForAddress", address, {"before": chain.transactions[400].signature}) if row["signature"] in inside]  # fmt: skip # noqa: E501
        assert result(other, "getSignaturesForAddress", address) == mine
        assert mine
    options = {"encoding": "base64", "maxSupportedTransactionVersion": 0}
    for tx in part[:40]:
        assert result(other, "getTransaction", tx.signature, options) == result(
            server, "getTransaction", tx.signature, options
        )
        if encodings[part.index(tx) % 4] == "json":
            assert recorded.transaction(tx.signature, "json") == chain.transaction(tx.signature, "json")
    only_json = part[40].signature
    assert result(other, "getTransaction", only_json, options) == chain.transaction(only_json, "json")
    last = [tx for tx in part if VAULT in tx.keys][-1]
    (post,) = [b for b in last.meta["postTokenBalances"] if last.keys[b["accountIndex"]] == VAULT]
    assert result(other, "getTokenAccountBalance", VAULT)["value"] == post["uiTokenAmount"]
    assert result(other, "getBlockTime", last.plan.slot) == int(last.plan.at.timestamp())
    free = next(s for s in range(recorded.first_slot, recorded.tip) if recorded.block_time(s) is None)
    assert other.handle("getBlockTime", [free], 7)["error"]["code"] == -32007


def test_a_recorded_block_is_served_at_its_own_slot(chain: SimulatedChain) -> None:
    txs = chain.transactions[10:14]
    parts = [{k: chain.transaction(tx.signature, "json")[k] for k in ("meta", "transaction", "version")} for tx in txs]
    block = {"parentSlot": 77, "blockHeight": 70, "blockTime": 1_800_000_000, "transactions": parts}
    recorded = RecordedChain.from_answers([{"jsonrpc": "2.0", "result": block, "id": 1}])
    rows = result(RpcServer(recorded), "getSignaturesForAddress", PROGRAM)
    assert [row["signature"] for row in rows] == [tx.signature for tx in reversed(txs)]
    assert {(row["slot"], row["blockTime"]) for row in rows} == {(78, 1_800_000_000)}
    answer = result(RpcServer(recorded), "getTransaction", txs[0].signature, {"maxSupportedTransactionVersion": 0})
    assert (answer["slot"], answer["blockTime"]) == (78, 1_800_000_000)
    assert answer["meta"] == txs[0].meta


def test_unusable_recordings_are_named(chain: SimulatedChain) -> None:
    good = chain.transaction(chain.signature_of(0), "json")
    overrun = json.loads(json.dumps(good))
    overrun["meta"]["postTokenBalances"][0]["accountIndex"] = 99
    answers: list[Any] = [
        good,
        {"result": None},
        {"slot": 1},
        {**good, "transaction": ["AAAA", "base64"]},
        [1],
        overrun,
    ]
    recorded = RecordedChain.from_answers(answers)
    assert [index for index, _ in recorded.unusable] == [1, 2, 3, 4, 5]
    assert all(reason for _, reason in recorded.unusable)
    assert len(recorded.history(PROGRAM)) == 1
    empty = RpcServer(RecordedChain.from_answers([]))
    assert result(empty, "getSlot") == 0
    assert result(empty, "getSignaturesForAddress", PROGRAM) == []


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="recorded Solana data is not here")
def test_recorded_fixtures() -> None:
    files = sorted(path for part in ("tx", "blocks", "program_runs") for path in (FIXTURES / part).glob("*.json"))
    answers = []
    for path in files:
        body = json.loads(path.read_text())
        answers += body if isinstance(body, list) else [body]
    recorded = RecordedChain.from_answers(answers)
    assert recorded.unusable == ()
    server = RpcServer(recorded)
    rows = result(server, "getSignaturesForAddress", "opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb")
    assert [row["slot"] for row in rows] == [250000000 + n for n in (18, 15, 13, 11, 8, 5, 3, 0)]
    assert [row["err"] is not None for row in rows].count(True) == 1
    # A vault that only the lookup table names is found too.
    vault = result(server, "getSignaturesForAddress", "2dCt4rQZZ7JmzaSLvpuVKQ5C5dCp4bKLvi24YDi8zkt2")
    assert 250000018 in {row["slot"] for row in vault}
    votes = result(server, "getSignaturesForAddress", "Vote111111111111111111111111111111111111111")
    assert {row["slot"] for row in votes} == {147558327, 147078735}
    assert len(votes) == 1 + 2
    block = json.loads((FIXTURES / "blocks" / "get_block_json_encoding.json").read_text())["result"]["transactions"]
    for index, transaction in enumerate(block):  # recorded in two encodings: still one transaction, in block order
        signature = transaction["transaction"]["signatures"][0]
        assert recorded.row(signature).order == recorded.row(block[0]["transaction"]["signatures"][0]).order + index
        for encoding in ("json", "base64"):
            assert recorded.transaction(signature, encoding)["meta"] == transaction["meta"]
    for row in rows + votes:
        for encoding in ("json", "base64"):
            options = {"encoding": encoding, "maxSupportedTransactionVersion": 0}
            answer = result(server, "getTransaction", row["signature"], options)
            assert isinstance(answer["transaction"], list) == (encoding == "base64")
            GetTransactionResp.from_json(json.dumps({"jsonrpc": "2.0", "result": answer, "id": 1}))
