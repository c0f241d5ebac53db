"""Small transactions for tests: getTransaction results in `json` encoding, written by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import base58

SIGNATURE = base58.b58encode(bytes([7]) * 64).decode()
EVENT_TAG = bytes.fromhex("e445a52e51cb9a1d")


def key(number: int) -> str:
    return base58.b58encode(bytes([number]) * 32).decode()


PAYER, PROGRAM, OTHER, THIRD = key(1), key(2), key(3), key(4)


def made(value: int, name: str = "Made") -> bytes:
    """Payload of event `name {value: u64}`."""
    return hashlib.sha256(f"event:{name}".encode()).digest()[:8] + value.to_bytes(8, "little")


def b64(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def data(*payloads: bytes) -> str:
    """A `Program data:` line."""
    return "Program data: " + " ".join(b64(payload) for payload in payloads)


def enter(program: str, depth: int = 1) -> str:
    return f"Program {program} invoke [{depth}]"


def leave(program: str) -> str:
    return f"Program {program} success"


def fail(program: str) -> str:
    return f"Program {program} failed: custom program error: 0x1"


def call(
    program: str, payload: bytes = b"\0" * 8, accounts: Sequence[str] = (), height: int | None = None
) -> dict[str, Any]:
    return {"program": program, "data": payload, "accounts": list(accounts), "height": height}


def cpi_event(program: str, payload: bytes, height: int | None = 2) -> dict[str, Any]:
    return call(program, EVENT_TAG + payload, height=height)


def transaction(
    logs: list[str] | None,
    instructions: Sequence[dict[str, Any]] = (),
    inner: dict[int, list[dict[str, Any]]] | None = None,
    err: Any = None,
    balances: Sequence[dict[str, Any]] = (),
    block_time: int | None = 1_791_244_800,
    signature: str = SIGNATURE,
) -> dict[str, Any]:
    """A getTransaction result; `balances` items: {account, owner, mint, decimals, pre, post}."""
    inner = inner or {}
    instructions = list(instructions) or [call(PROGRAM)]
    everything = [*instructions, *(item for group in inner.values() for item in group)]
    keys = [PAYER]
    for address in [
        *(a for item in everything for a in (item["program"], *item["accounts"])),
        *(b["account"] for b in balances),
    ]:
        if address not in keys:
            keys.append(address)

    def compiled(item: dict[str, Any], height: int | None) -> dict[str, Any]:
        return {
            "programIdIndex": keys.index(item["program"]),
            "accounts": [keys.index(account) for account in item["accounts"]],
            "data": base58.b58encode(item["data"]).decode(),
            "stackHeight": height,
        }

    def side(name: str) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": keys.index(b["account"]),
                "mint": b["mint"],
                "owner": b["owner"],
                "uiTokenAmount": {"amount": str(b[name]), "decimals": b["decimals"], "uiAmountString": ""},
            }
            for b in balances
            if b[name] is not None
        ]

    return {
        "slot": 300_000_000,
        "blockTime": block_time,
        "version": "legacy",
        "meta": {
            "err": err,
            "fee": 5000,
            "computeUnitsConsumed": 1234,
            "innerInstructions": [
                {"index": at, "instructions": [compiled(item, item["height"]) for item in group]}
                for at, group in inner.items()
            ],
            "logMessages": logs,
            "loadedAddresses": {"readonly": [], "writable": []},
            "preTokenBalances": side("pre"),
            "postTokenBalances": side("post"),
            "preBalances": [0] * len(keys),
            "postBalances": [0] * len(keys),
        },
        "transaction": {
            "signatures": [signature],
            "message": {"accountKeys": keys, "instructions": [compiled(item, None) for item in instructions]},
        },
    }


def idl(program: str | None = PROGRAM, events: Sequence[dict[str, Any]] | None = None, **more: Any) -> bytes:
    """Legacy IDL with event Made {value: u64} and instruction go(first, second)."""
    document: dict[str, Any] = {
        "version": "0.1.0",
        "name": "maker",
        "instructions": [
            {
                "name": "goNow",
                "accounts": [{"name": "firstAccount"}, {"name": "secondAccount", "isOptional": True}],
                "args": [],
            }
        ],
        "events": events if events is not None else [{"name": "Made", "fields": [{"name": "value", "type": "u64"}]}],
    }
    if program is not None:
        document["metadata"] = {"address": program}
    return json.dumps(document | more).encode()


GO_NOW = hashlib.sha256(b"global:go_now").digest()[:8]
