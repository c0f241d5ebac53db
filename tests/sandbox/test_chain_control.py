"""The chain while it grows: its tip at an instant, transactions that are only confirmed, and those a fork took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from solders.rpc.responses import GetSignaturesForAddressResp, GetSignatureStatusesResp, GetSlotResp

from sandbox import addresses
from sandbox.app import Platform, build_app
from sandbox.chain import SimulatedChain
from sandbox.chain_control import ChainControl, ChainSettings
from sandbox.serving import running
from sandbox.world import World, build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]
READ = {"encoding": "json", "maxSupportedTransactionVersion": 0}
CONFIRMED, FINAL = {"commitment": "confirmed"}, {"commitment": "finalized"}
SEARCH = {"searchTransactionHistory": True}


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(days=1)


@pytest.fixture
def control(world: World) -> ChainControl:
    return ChainControl(world, (), (), ChainSettings())


@pytest.fixture
def client(control: ChainControl) -> Iterator[httpx.Client]:
    platform = Platform("simulated", control.chain, None, control=control)
    with running(build_app(platform)) as url, httpx.Client(base_url=url) as client:
        yield client


def put(client: httpx.Client, **settings: Any) -> dict[str, Any]:
    answer = client.put("/control/chain", json=settings)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: httpx.Client, **settings: Any) -> str:
    answer = client.put("/control/chain", json=settings)
    assert answer.status_code == 400
    return answer.json()["error"]


def answered(client: httpx.Client, method: str, *params: Any) -> str:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return client.post("/rpc/alpha", json=body).text


def result(client: httpx.Client, method: str, *params: Any) -> Any:
    return json.loads(answered(client, method, *params))["result"]


def listed(client: httpx.Client, account: str, options: dict[str, Any]) -> list[tuple[str, str]]:
    rows = result(client, "getSignaturesForAddress", account, options)
    return [(row["signature"], row["confirmationStatus"]) for row in rows]


def vault_after(chain: SimulatedChain, number: int) -> dict[str, Any]:
    """The USDC vault's amount after the first `number` transactions."""
    last = [tx for tx in chain.transactions[:number] if VAULT in tx.keys][-1]
    (left,) = [b for b in last.meta["postTokenBalances"] if last.keys[b["accountIndex"]] == VAULT]
    return left["uiTokenAmount"]


def test_the_tip_moves_forward(client: httpx.Client, control: ChainControl, world: World) -> None:
    chain = control.chain
    for hours in (6, 12, 18):
        at = world.start + timedelta(hours=hours)
        put(client, tip_at=at.isoformat())
        there = [tx for tx in chain.transactions if tx.plan.at <= at]
        assert 0 < len(there) < len(chain.transactions)
        assert result(client, "getSlot") == 300_000_000 + hours * 9_000
        assert result(client, "getBlockTime", result(client, "getSlot")) == int(at.timestamp())
        assert listed(client, PROGRAM, FINAL) == [
            (tx.signature, "finalized") for tx in reversed(there) if PROGRAM in tx.keys
        ]
        assert result(client, "getTransaction", there[-1].signature, READ)["slot"] == there[-1].plan.slot
        assert result(client, "getTransaction", chain.transactions[len(there)].signature, READ) is None
        assert result(client, "getTokenAccountBalance", VAULT)["value"] == vault_after(chain, len(there))
    put(client, tip_at=None)
    assert result(client, "getSlot") == chain.tip == 300_215_990
    put(client, tip_at=world.end.isoformat())
    assert result(client, "getSlot") == chain.tip  # at the window's end the chain is as without the setting


def test_pending_transactions_are_only_confirmed(client: httpx.Client, control: ChainControl) -> None:
    chain = control.chain
    last_final, first, *_ = [tx.signature for tx in chain.transactions[-4:]]
    pending = [tx.signature for tx in chain.transactions[-3:]]
    described = put(client, pending=3)
    edge = chain.row(first).slot - 1
    assert described == {
        "tip_at": None,
        "pending": 3,
        "dropped": [],
        "confirmed_slot": chain.tip,
        "finalized_slot": edge,
        "only_confirmed": pending,
    }
    assert client.get("/control/chain").json() == described
    assert [result(client, "getSlot", *options) for options in ([], [FINAL], [CONFIRMED])] == [edge, edge, chain.tip]
    assert result(client, "getBlockHeight", FINAL) == edge - 300_000_000
    assert result(client, "getBlockHeight", CONFIRMED) == chain.tip - 300_000_000
    assert GetSlotResp.from_json(answered(client, "getSlot")).value == edge
    both = listed(client, PROGRAM, CONFIRMED)
    final = listed(client, PROGRAM, FINAL)
    new = [tx.signature for tx in reversed(chain.transactions[-3:]) if PROGRAM in tx.keys]
    assert new
    assert both == [(signature, "confirmed") for signature in new] + final
    assert {status for _, status in final} == {"finalized"}
    GetSignaturesForAddressResp.from_json(answered(client, "getSignaturesForAddress", PROGRAM, CONFIRMED))
    assert result(client, "getTransaction", first, READ) is None
    assert result(client, "getTransaction", first, {**READ, **CONFIRMED})["slot"] == edge + 1
    assert result(client, "getTransaction", last_final, READ)["meta"]
    count = len(chain.transactions)
    assert result(client, "getTokenAccountBalance", VAULT)["value"] == vault_after(chain, count - 3)
    assert result(client, "getTokenAccountBalance", VAULT, CONFIRMED)["value"] == vault_after(chain, count)
    least = json.loads(answered(client, "getBalance", VAULT, {"minContextSlot": edge + 1}))
    assert (least["error"]["code"], least["error"]["data"]) == (-32016, {"contextSlot": edge})


def test_signature_statuses(client: httpx.Client, control: ChainControl) -> None:
    chain = control.chain
    put(client, pending=1)
    new, old = chain.transactions[-1], chain.transactions[10]
    failed = next(tx for tx in chain.transactions if tx.meta["err"])
    asked = [new.signature, old.signature, failed.signature]
    text = answered(client, "getSignatureStatuses", asked, SEARCH)
    context, value = json.loads(text)["result"].values()
    assert context["slot"] == chain.tip
    assert value[0] == {
        "slot": new.plan.slot,
        "confirmations": 31,
        "err": None,
        "status": {"Ok": None},
        "confirmationStatus": "confirmed",
    }
    assert value[1] == {
        "slot": old.plan.slot,
        "confirmations": None,
        "err": None,
        "status": {"Ok": None},
        "confirmationStatus": "finalized",
    }
    assert (value[2]["err"], value[2]["status"]) == (failed.meta["err"], {"Err": failed.meta["err"]})
    assert [status.slot for status in GetSignatureStatusesResp.from_json(text).value] == [v["slot"] for v in value]
    recent = result(client, "getSignatureStatuses", asked[:2])["value"]
    assert [v and v["confirmationStatus"] for v in recent] == ["confirmed", None]  # the old one needs a search
    many = json.loads(answered(client, "getSignatureStatuses", asked[:1] * 257))["error"]
    assert (many["code"], many["message"]) == (-32602, "Too many inputs provided; max 256")


def test_a_dropped_transaction_exists_nowhere_any_more(client: httpx.Client, control: ChainControl) -> None:
    count = len(control.chain.transactions)
    put(client, pending=60)
    moved = next(tx for tx in reversed(control.chain.transactions[-60:]) if _paid_in(tx))
    gone, amount = moved.signature, _paid_in(moved)
    before = int(vault_after(control.chain, count)["amount"])
    assert (gone, "confirmed") in listed(client, VAULT, CONFIRMED)
    assert gone not in put(client, dropped=[gone])["only_confirmed"]
    for options in (CONFIRMED, FINAL):
        assert gone not in dict(listed(client, VAULT, options))
        assert result(client, "getTransaction", gone, {**READ, **options}) is None
    assert result(client, "getSignatureStatuses", [gone], SEARCH)["value"] == [None]
    put(client, pending=0)  # what came after is final now; the dropped one stays away, and its money too
    assert gone not in dict(listed(client, VAULT, FINAL))
    assert int(result(client, "getTokenAccountBalance", VAULT)["value"]["amount"]) == before - amount
    held = None
    for tx in control.chain.transactions:
        for side in ("preTokenBalances", "postTokenBalances"):
            for balance in tx.meta[side]:
                if tx.keys[balance["accountIndex"]] == VAULT:
                    assert side == "postTokenBalances" or balance["uiTokenAmount"]["amount"] == held
                    held = balance["uiTokenAmount"]["amount"]
    put(client, dropped=[])
    assert (gone, "finalized") in listed(client, VAULT, FINAL)


def _deposits(chain: SimulatedChain) -> list[str]:
    return [tx.signature for tx in chain.transactions if _paid_in(tx)]


def _paid_in(tx: Any) -> int:
    return sum(m.amount for call in tx.plan.calls for m in call.moves if m.destination == VAULT and tx.plan.success)


def test_what_cannot_be_is_refused_and_changes_nothing(client: httpx.Client, control: ChainControl) -> None:
    first = control.chain.signature_of(0)
    before = put(client, pending=2)
    assert "is final and cannot be dropped" in refused(client, dropped=[first])
    assert "the chain has no 1111" in refused(client, dropped=["1111"])
    assert "the chain begins at 2026-10-05T00:00:00+00:00" in refused(client, tip_at="2026-10-04T23:59:59Z")
    assert "timezone" in refused(client, tip_at="2026-10-05T12:00:00")
    assert "pending" in refused(client, pending=-1)
    assert "speed: Extra inputs" in refused(client, speed=2)
    assert client.get("/control/chain").json() == before
    put(client, pending=400)  # nothing is final yet: the vaults' creation can be dropped, but not what needs it
    assert f"pays into {VAULT}, which does not exist without it" in refused(client, dropped=[first])
    assert f"overdraws {VAULT} without it" in refused(client, dropped=_deposits(control.chain))
