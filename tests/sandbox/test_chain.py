"""The chain must be what a real node would answer, and carry exactly the world's money.

The readers here are written by hand (struct, hashlib, base58) and share nothing with the sandbox's encoder.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import base58
import pytest
from solders.rpc.responses import GetTransactionResp
from solders.transaction import VersionedTransaction

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.chain_render import encoder
from sandbox.genesis import MINTED
from sandbox.model import World
from sandbox.truth import truth
from sandbox.world import build_world

ROOT = Path(__file__).resolve().parents[2]
USDC = addresses.USDC_MINT
VAULT = addresses.VAULTS[USDC]
TREASURY = addresses.TREASURY_ACCOUNTS
PROGRAM = addresses.PROGRAM_ID
CPI_TAG = bytes.fromhex("e445a52e51cb9a1d")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def chain(world: World) -> SimulatedChain:
    return build_chain(world)


def disc(prefix: str, name: str) -> bytes:
    return hashlib.sha256(f"{prefix}:{name}".encode()).digest()[:8]


# What each money event's bytes hold after the discriminator: s = string, k = key, q = u64.
LAYOUTS = {
    "DepositMade": "kkkq",
    "EntryPaid": "skkkq",
    "MatchSettled": "skkkqq",
    "EntryRefunded": "skkkq",
    "WithdrawalMade": "kkkq",
}
BY_DISC = {disc("event", name): name for name in LAYOUTS}


def read_event(data: bytes) -> tuple[str, list[Any]] | None:
    name = BY_DISC.get(data[:8])
    if name is None:
        return None
    values: list[Any] = []
    at = 8
    for code in LAYOUTS[name]:
        if code == "s":
            (size,) = struct.unpack_from("<I", data, at)
            values.append(data[at + 4 : at + 4 + size].decode())
            at += 4 + size
        elif code == "k":
            values.append(base58.b58encode(data[at : at + 32]).decode())
            at += 32
        else:
            values.append(struct.unpack_from("<Q", data, at)[0])
            at += 8
    assert at == len(data), "trailing bytes"
    return name, values


def emitted(result: dict[str, Any]) -> tuple[list[bytes], list[bytes]]:
    """(events in the log, events by self-CPI) of our program, in order of emission."""
    stack: list[str] = []
    logged = []
    for line in result["meta"]["logMessages"]:
        if entered := re.fullmatch(r"Program (\w+) invoke \[(\d+)\]", line):
            stack.append(entered[1])
            assert len(stack) == int(entered[2])
        elif re.fullmatch(r"Program (\w+) (success|failed: .*)", line):
            assert line.split()[1] == stack.pop()
        elif line.startswith("Program data: ") and stack[-1] == PROGRAM:
            logged.append(b64decode(line.removeprefix("Program data: ")))
    assert stack == []
    message = result["transaction"]["message"]
    loaded = result["meta"]["loadedAddresses"]
    keys = message["accountKeys"] + loaded["writable"] + loaded["readonly"]
    called = []
    for group in result["meta"]["innerInstructions"]:
        for inner in group["instructions"]:
            data = base58.b58decode(inner["data"])
            if keys[inner["programIdIndex"]] == PROGRAM and data[:8] == CPI_TAG:
                assert [keys[n] for n in inner["accounts"]] == [addresses.EVENT_AUTHORITY]
                called.append(data[8:])
    return logged, called


def money(data: bytes, wallets: dict[str, str]) -> Iterator[tuple]:
    read = read_event(data)
    if read is None:
        return
    name, values = read
    if name == "MatchSettled":
        match_id, winner, mint, vault, prize, fee = values
        yield "prize_distributed", match_id, mint, vault, prize, wallets[winner]
        if fee:
            yield "fee_collected", match_id, mint, vault, fee, None
        return
    kind = {"DepositMade": "deposit", "EntryPaid": "entry", "EntryRefunded": "refund"}.get(name, "withdrawal")
    match_id = values.pop(0) if LAYOUTS[name][0] == "s" else None
    player, mint, vault, amount = values
    yield kind, match_id, mint, vault, amount, wallets[player]


def results(chain: SimulatedChain, encoding: str = "json") -> list[dict[str, Any]]:
    return [chain.transaction(tx.signature, encoding) for tx in chain.transactions]


def keys_of(result: dict[str, Any]) -> list[str]:
    loaded = result["meta"]["loadedAddresses"]
    return result["transaction"]["message"]["accountKeys"] + loaded["writable"] + loaded["readonly"]


def test_idl_discriminators_are_anchors() -> None:
    idl = json.loads((ROOT / "config/idl/skill_match.json").read_text())
    assert idl["address"] == PROGRAM
    for prefix, rows in (("global", idl["instructions"]), ("event", idl["events"]), ("account", idl["accounts"])):
        assert rows
        for row in rows:
            assert bytes(row["discriminator"]) == disc(prefix, row["name"])


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base58", "base64"])
def test_solders_accepts_every_transaction(chain: SimulatedChain, encoding: str) -> None:
    for result in results(chain, encoding):
        body = json.dumps({"jsonrpc": "2.0", "result": result, "id": 1})
        read = GetTransactionResp.from_json(body).value
        assert read.slot == result["slot"]
        assert read.block_time == result["blockTime"]
        assert read.transaction.meta.compute_units_consumed == result["meta"]["computeUnitsConsumed"]


def test_signatures_verify_and_the_encodings_agree(chain: SimulatedChain) -> None:
    versions = Counter()
    for plain, raw in zip(results(chain), results(chain, "base64"), strict=True):
        signed = VersionedTransaction.from_bytes(b64decode(raw["transaction"][0]))
        assert all(signed.verify_with_results())
        assert [str(s) for s in signed.signatures] == plain["transaction"]["signatures"]
        message = plain["transaction"]["message"]
        assert [str(k) for k in signed.message.account_keys] == message["accountKeys"]
        assert [base58.b58encode(i.data).decode() for i in signed.message.instructions] == [
            i["data"] for i in message["instructions"]
        ]
        assert len(bytes(signed)) <= 1232
        assert len(set(keys_of(plain))) == len(keys_of(plain))
        assert plain["version"] == ("legacy" if "addressTableLookups" not in message else 0)
        versions[plain["version"]] += bool(plain["meta"]["loadedAddresses"]["readonly"])
    assert versions[0] > 100
    assert versions["legacy"] == 0


def test_one_event_by_hand(world: World, chain: SimulatedChain) -> None:
    entry = next(e for e in world.ledger if e.kind == "deposit" and e.amount > 2**53)
    wallet = world.user(entry.uid).wallet
    expected = (
        hashlib.sha256(b"event:DepositMade").digest()[:8]
        + base58.b58decode(wallet)
        + base58.b58decode(addresses.SKILL_MINT)
        + base58.b58decode(addresses.VAULTS[addresses.SKILL_MINT])
        + struct.pack("<Q", 9_007_199_254_740_993)
    )
    logged, called = emitted(chain.transaction(chain.entry_signature(entry.entry_id), "json"))
    assert expected in logged + called


def test_options_and_enums_by_hand() -> None:
    paused = encoder().event("MatchPaused", {"match_id": "m1", "reason": "é", "paused_at": -2})
    tail = b"\x01\x02\x00\x00\x00\xc3\xa9" + struct.pack("<q", -2)
    assert paused == disc("event", "MatchPaused") + b"\x02\x00\x00\x00m1" + tail
    silent = encoder().event("MatchPaused", {"match_id": "m1", "reason": None, "paused_at": 7})
    assert silent == disc("event", "MatchPaused") + b"\x02\x00\x00\x00m1\x00" + struct.pack("<q", 7)
    args = {"match_id": "m1", "reason": {"Operator": {"note": "x"}}}
    cancel = encoder().instruction("cancel_match", args)
    assert cancel == disc("global", "cancel_match") + b"\x02\x00\x00\x00m1\x02\x01\x00\x00\x00x"
    key = base58.b58decode(PROGRAM)
    resolved = {"match_id": "", "outcome": {"Refund": {}}, "winner": PROGRAM}
    assert encoder().event("DisputeResolved", resolved)[8:] == bytes(4) + b"\x01\x01" + key
    with pytest.raises(KeyError, match="do not match"):
        encoder().event("MatchResumed", {"match_id": "m1"})
    with pytest.raises(OverflowError):
        encoder().instruction("deposit", {"amount": 2**64})


def test_decoded_events_are_the_ledger(world: World, chain: SimulatedChain) -> None:
    wallets = {u.wallet: u.uid for u in world.users}
    decoded = []
    doubled = single_cpi = 0
    for result in results(chain):
        if result["meta"]["err"] is not None:
            continue
        logged, called = emitted(result)
        # A double emission carries the same bytes both ways: count such a pair once.
        pairs = sum((Counter(logged) & Counter(called)).values())
        doubled += pairs
        single_cpi += len(called) - pairs
        merged = Counter(logged) | Counter(called)
        signature = result["transaction"]["signatures"][0]
        for data, times in merged.items():
            decoded += [(signature, *row) for row in money(data, wallets)] * times
    expected = [
        (chain.entry_signature(e.entry_id), e.kind, e.match_id, e.mint, e.vault, e.amount, e.uid) for e in world.ledger
    ]
    assert Counter(decoded) == Counter(expected)
    assert doubled > 50
    assert single_cpi > 100
    assert max(Counter(expected).values()) == 2  # two equal deposits in one transaction


def test_traps_are_there(world: World, chain: SimulatedChain) -> None:
    relayed = mimicked = rolled_back = 0
    for result in results(chain):
        log = "\n".join(result["meta"]["logMessages"])
        relayed += f"Program {PROGRAM} invoke [2]\nProgram log: Instruction: SettleMatch" in log
        mimicked += f"Program {addresses.LOOKALIKE_PROGRAM} invoke [1]\n" in log
        rolled_back += result["meta"]["err"] is not None and "Program data: " in log
    assert relayed >= 3
    assert mimicked >= 2
    assert rolled_back >= 5


def test_failed_transactions_change_nothing_but_the_fee(chain: SimulatedChain) -> None:
    failed = [r for r in results(chain) if r["meta"]["err"] is not None]
    assert len(failed) >= 10
    for result in failed:
        meta = result["meta"]
        ((index, error),) = meta["err"].values()
        assert error in ({"Custom": 6000}, {"Custom": 6001})
        assert meta["status"] == {"Err": meta["err"]}
        assert index == len(result["transaction"]["message"]["instructions"]) - 1
        assert meta["logMessages"][-1] == f"Program {PROGRAM} failed: custom program error: {error['Custom']:#x}"
        assert meta["preTokenBalances"] == meta["postTokenBalances"]
        assert meta["preBalances"][0] - meta["postBalances"][0] == meta["fee"]
        assert meta["preBalances"][1:] == meta["postBalances"][1:]


def test_balances_follow_on_and_add_up(world: World, chain: SimulatedChain) -> None:
    tokens: dict[str, int] = {}
    lamports: dict[str, int] = {}
    effects = {"deposit": 1, "withdrawal": -1, "fee_collected": -1}
    moved: dict[tuple[str, str], int] = Counter()
    for e in world.ledger:
        moved[chain.entry_signature(e.entry_id), e.vault] += effects.get(e.kind, 0) * e.amount
    slots = [r["slot"] for r in results(chain)]
    assert slots == sorted(slots)
    for result in results(chain):
        meta, keys = result["meta"], keys_of(result)
        signature = result["transaction"]["signatures"][0]
        for key, before, after in zip(keys, meta["preBalances"], meta["postBalances"], strict=True):
            assert lamports.get(key, before) == before >= 0, key
            lamports[key] = after
        assert sum(meta["preBalances"]) - sum(meta["postBalances"]) == meta["fee"] >= 5000
        before = {keys[b["accountIndex"]]: int(b["uiTokenAmount"]["amount"]) for b in meta["preTokenBalances"]}
        for balance in meta["postTokenBalances"]:
            key, amount = keys[balance["accountIndex"]], int(balance["uiTokenAmount"]["amount"])
            assert tokens.get(key, before.get(key, 0)) == before.get(key, 0)
            tokens[key] = amount
            if key in addresses.VAULTS.values():
                assert amount - before.get(key, 0) == moved.pop((signature, key), 0)
    assert not [v for v in moved.values() if v]
    last = truth(world)["days"]["2026-10-08"]["M3"]["vaults"]
    for mint, vault in addresses.VAULTS.items():
        assert str(tokens[vault]) == last[vault] == chain.token_amount(vault)["amount"]
        fees = sum(e.amount for e in world.ledger if e.mint == mint and e.kind == "fee_collected")
        assert tokens[TREASURY[mint]] == MINTED[mint] + fees
    assert {k: chain.lamports(k) for k in lamports} == lamports


def test_compute_units_add_up(chain: SimulatedChain) -> None:
    for result in results(chain):
        lines = result["meta"]["logMessages"]
        depth, top = 0, 0
        for line in lines:
            depth += " invoke [" in line
            if used := re.search(r" consumed (\d+) of (\d+) compute units", line):
                assert 0 < int(used[1]) <= int(used[2])
                top += int(used[1]) if depth == 1 else 0
            depth -= line.endswith(" success") or " failed: " in line
        builtins = (addresses.COMPUTE_BUDGET_PROGRAM, addresses.SYSTEM_PROGRAM)
        silent = 150 * sum(line in [f"Program {program} invoke [1]" for program in builtins] for line in lines)
        assert result["meta"]["computeUnitsConsumed"] == top + silent


def test_the_same_bytes_in_another_process(chain: SimulatedChain) -> None:
    code = (
        "import hashlib, json; from sandbox.chain import build_chain; from sandbox.world import build_world\n"
        "c = build_chain(build_world())\n"
        "text = json.dumps([c.transaction(t.signature, e) for t in c.transactions for e in ('json', 'base64')])\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": "99"}, capture_output=True, text=True, check=True
    )
    mine = json.dumps([chain.transaction(t.signature, e) for t in chain.transactions for e in ("json", "base64")])
    assert run.stdout.strip() == hashlib.sha256(mine.encode()).hexdigest()
