"""What the reader makes of providers that answer oddly, against servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rpc_servers import Servers, each
from solders.signature import Signature

from ingestion.solana.history.coverage import Gap
from ingestion.solana.history.reader import ChainReader, WindowIncomplete
from ingestion.solana.rpc import pool
from warehouse.window import Window

ADDRESS = "11111111111111111111111111111111"
START = datetime(2026, 10, 5, tzinfo=UTC)
WINDOW = Window.parse("2026-10-05", "2026-10-06")
GAP = Gap(None, None, None, WINDOW.start)
SIGNATURES = [str(Signature(bytes([number]) * 64)) for number in range(1, 4)]
ENTRIES = [
    {
        "signature": signature,
        "slot": 900 + number,
        "blockTime": int(START.timestamp()) + number,
        "err": None,
        "memo": None,
        "confirmationStatus": "finalized",
    }
    for number, signature in enumerate(SIGNATURES)
]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(pool, "_backoff", lambda state: 0)
    with Servers() as started:
        yield started


def node(first_available: int | None = 0, knows: bool = True):
    """A node whose address has three transactions; `first_available` None: it has no such method."""

    def answer(call):
        match call["method"]:
            case "getSlot":
                return {"result": 1000}
            case "getBlockTime":
                return {"result": int(START.timestamp()) + 100}
            case "getFirstAvailableBlock" if first_available is None:
                return {"error": {"code": -32601, "message": "Method not found"}}
            case "getFirstAvailableBlock":
                return {"result": first_available}
            case "getTransaction":
                return {"result": None} if not knows else {"result": _transaction(call["params"][0])}
            case "getSignaturesForAddress":
                before = call["params"][1].get("before")
                newest_first = ENTRIES[::-1]
                names = [entry["signature"] for entry in newest_first]
                return {"result": newest_first if before is None else newest_first[names.index(before) + 1 :]}

    return each(answer)


def _transaction(signature: str) -> dict:
    message = {
        "accountKeys": [ADDRESS],
        "header": {"numReadonlySignedAccounts": 0, "numReadonlyUnsignedAccounts": 0, "numRequiredSignatures": 1},
        "instructions": [],
        "recentBlockhash": ADDRESS,
    }
    meta = {"err": None, "fee": 5000, "preBalances": [1], "postBalances": [1], "status": {"Ok": None}}
    meta |= {"innerInstructions": [], "logMessages": [], "preTokenBalances": [], "postTokenBalances": [], "rewards": []}
    body = {"signatures": [signature], "message": message}
    return {"slot": 900, "blockTime": 1, "meta": meta, "transaction": body, "version": "legacy"}


@pytest.mark.parametrize(("first_available", "from_slot"), [(0, 0), (850, 850), (None, 1)])
def test_only_a_provider_with_the_whole_history_proves_a_beginning(servers: Servers, first_available, from_slot):
    rpc = servers.pool(alpha=node(first_available))
    (found,) = ChainReader(rpc, rpc.names, 1).list(ADDRESS, GAP, WINDOW)
    assert (found.interval.from_slot, found.interval.to_slot) == (from_slot, 1000)
    assert list(found.entries) == SIGNATURES[::-1]


def test_an_end_of_a_listing_below_a_signature_that_the_node_does_not_know_is_no_end(servers: Servers):
    rpc = servers.pool(alpha=node(knows=False))
    with pytest.raises(WindowIncomplete, match="getTransaction: null"):
        ChainReader(rpc, rpc.names, 1).list(ADDRESS, GAP, WINDOW)


def test_another_provider_takes_over_where_one_cannot_list(servers: Servers):
    rpc = servers.pool(alpha=node(knows=False), beta=node())
    (found,) = ChainReader(rpc, rpc.names, 2).list(ADDRESS, GAP, WINDOW)
    assert (found.provider, found.interval.from_slot) == ("beta", 0)


def test_a_chain_that_has_not_moved_on_is_not_listed(servers: Servers):
    rpc = servers.pool(alpha=node())
    assert ChainReader(rpc, rpc.names, 1).list(ADDRESS, Gap(None, None, 1000, None), WINDOW) == []
    assert "getSignaturesForAddress" not in {body["method"] for body in servers.seen["alpha"]}
