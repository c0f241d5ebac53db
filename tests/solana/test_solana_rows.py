"""Landed objects to raw rows: columns fit the schemas, wallets are pseudonyms, nothing is dropped."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from chain_builder import SIGNATURE, b64, call, key, transaction
from solana_context import PSEUDONYM, ROOT, rows_of

from ingestion.solana.transaction_rows import hide_personal
from sandbox.chain import build_chain
from sandbox.world import build_world

SCHEMAS = ROOT / "ingestion" / "schemas"


def landed(*results: Any, **envelope: Any) -> bytes:
    lines = []
    for result in results:
        signature = result["transaction"]["signatures"][0] if isinstance(result["transaction"], dict) else None
        lines.append(
            {"signature": signature, "response": json.dumps({"jsonrpc": "2.0", "id": 1, "result": result} | envelope)}
        )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


BY_THE_LOADER = {"_object_uri", "_landed_at", "raw_sealed", "first_seen_at", "last_seen_at"}


def columns(table: str) -> set[str]:
    """Columns that a prepared row has; of quarantine rows the bytes, which the loader seals."""
    stated = {column["name"] for column in json.loads((SCHEMAS / f"{table}.json").read_text())}
    return stated - BY_THE_LOADER | ({"raw_base64"} if table == "quarantine" else set())


@pytest.fixture(scope="module")
def chain():
    return build_chain(build_world())


@pytest.fixture
def simulated(chain, configured):
    from sandbox import addresses

    ctx = configured()
    signatures = [row.signature for row in reversed(chain.history(addresses.PROGRAM_ID))]
    return ctx, [chain.transaction(signature, "json") for signature in signatures]


def test_rows_have_exactly_the_columns_of_the_schemas(simulated):
    ctx, results = simulated
    rows = rows_of(ctx, "transactions", landed(*results[:400]) + b"not json\n")
    assert set(rows) == {
        "solana_transactions",
        "solana_token_balances",
        "solana_native_balances",
        "solana_events",
        "canonical_events",
        "quarantine",
    }
    for table, items in rows.items():
        assert {frozenset(item) for item in items} == {frozenset(columns(table))}, table


def test_every_encoding_gives_the_same_rows(simulated, chain):
    ctx, results = simulated
    signatures = [result["transaction"]["signatures"][0] for result in results[::7]]
    by_encoding = []
    for encoding in ("json", "jsonParsed", "base58", "base64"):
        lines = [
            json.dumps(
                {
                    "signature": signature,
                    "response": json.dumps(
                        {"jsonrpc": "2.0", "id": 1, "result": chain.transaction(signature, encoding)}
                    ),
                }
            )
            for signature in signatures
        ]
        rows = rows_of(ctx, "transactions", "\n".join(lines).encode())
        assert {row.pop("encoding") for row in rows["solana_transactions"]} == {encoding}
        by_encoding.append(rows)
    assert len(by_encoding[0]["canonical_events"]) > 100
    assert all(rows == by_encoding[0] for rows in by_encoding[1:])


def test_no_wallet_of_a_user_is_in_a_row(simulated):
    ctx, results = simulated
    world = build_world()
    wallets = {user.wallet for user in world.users}
    accounts = {account for account, (owner, _) in world.token_owners.items() if owner in wallets}
    assert len(wallets) >= 60
    assert len(accounts) >= 100
    rows = rows_of(ctx, "transactions", landed(*results))
    for table, items in rows.items():
        text = json.dumps(items)
        assert [address for address in wallets | accounts if address in text] == [], table
    some = rows["canonical_events"][0]
    assert some["holder"].startswith("wallet_")
    vaults = {vault.address for vault in ctx.config.own.vaults}
    shown = {
        row["account"]: row["account_kind"]
        for row in rows["solana_token_balances"]
        if not row["account"].startswith("wallet_")
    }
    assert shown == dict.fromkeys(vaults, "vault") | dict.fromkeys(ctx.config.own.treasury, "treasury")


def test_personal_fields_at_any_depth():
    hidden = hide_personal(
        {
            "winner": key(1),
            "list": [{"player": key(2)}, {"other": key(3)}],
            "deep": {"player": {"Some": {"0": key(4)}}},
            "none": None,
        },
        frozenset({"winner", "player"}),
        lambda address: PSEUDONYM(address, "wallet"),
    )
    assert hidden == {
        "winner": PSEUDONYM(key(1), "wallet"),
        "list": [{"player": PSEUDONYM(key(2), "wallet")}, {"other": key(3)}],
        "deep": {"player": {"Some": {"0": PSEUDONYM(key(4), "wallet")}}},
        "none": None,
    }


def quarantined(rows) -> list[tuple]:
    return [(row["_line"], row["reason_code"], row["reason"], row["signature"]) for row in rows["quarantine"]]


def test_lines_that_hold_no_transaction(configured):
    good = transaction([])
    lines = [
        b"{",
        b"[1]",
        json.dumps({"signature": SIGNATURE, "response": '{"result": nul'}).encode(),
        json.dumps({"signature": SIGNATURE, "response": '{"jsonrpc":"2.0","id":1,"result":null}'}).encode(),
        json.dumps(
            {"signature": SIGNATURE, "response": '{"jsonrpc":"2.0","id":1,"error":{"code":-32009,"message":"x"}}'}
        ).encode(),
        landed(transaction([], block_time=None)).rstrip(),
        landed(good | {"slot": None}).rstrip(),
        landed(good).rstrip().replace(SIGNATURE.encode(), key(5).encode(), 1),
        landed(good).rstrip(),
    ]
    rows = rows_of(configured(), "transactions", b"\n".join(lines))
    assert quarantined(rows) == [
        (1, "bad_json", "not JSON: Expecting property name enclosed in double quotes (line 2, column 1)", None),
        (2, "not_an_answer", "the line is no {signature, response} record", None),
        (3, "bad_json", "not JSON: Expecting value (line 1, column 12)", None),
        (4, "null_answer", "the answer's result is null: the provider did not have it", None),
        (5, "rpc_error", "a JSON-RPC error answer (code -32009)", None),
        (6, "no_block_time", "the transaction has no block time, so it belongs to no day", SIGNATURE),
        (7, "no_block_time", "the transaction has no slot, so it belongs to no day", SIGNATURE),
        (8, "other_transaction", "the answer is that of another transaction", None),
    ]
    assert [base64.b64decode(row["raw_base64"]) for row in rows["quarantine"]] == lines[:8]
    assert [row["_line"] for row in rows["solana_transactions"]] == [9]


def test_a_broken_transaction_does_not_harm_the_next(configured):
    token = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
    ctx = configured("skill_match")
    program = ctx.config.own.program_id
    bad = transaction(None, [call(program), call(token, accounts=[key(8)])])
    for instruction in bad["transaction"]["message"]["instructions"]:
        instruction["data"] = "0OIl"
    rows = rows_of(ctx, "transactions", landed(bad, transaction([])))
    assert [row["_line"] for row in rows["solana_transactions"]] == [1, 2]
    assert [(row["_line"], row["reason_code"], row["position"]) for row in rows["quarantine"]] == [
        (1, "no_log", "log:"),
        (1, "bad_base58", "cpi:0"),
    ]


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"programId": ["x"]}, "not_a_transaction", "the transaction is not shaped as documented (TypeError)"),
        ({"programIdIndex": 1, "accounts": [], "data": 5}, "not_a_transaction", "data of an instruction is no text"),
    ],
)
def test_a_misshapen_transaction_is_quarantined_alone(configured, change, code, reason):
    ctx = configured()
    bad = transaction([], [call(ctx.config.own.program_id)])
    bad["transaction"]["message"]["instructions"] = [change]
    rows = rows_of(ctx, "transactions", landed(bad, transaction([])))
    assert [(row["_line"], row["reason_code"], row["reason"], row["signature"]) for row in rows["quarantine"]] == [
        (1, code, reason, SIGNATURE)
    ]
    assert [row["_line"] for row in rows["solana_transactions"]] == [2]


def test_a_lone_surrogate_in_an_answer_is_quarantined_alone(configured):
    bad = b'{"signature": null, "response": "{\\"result\\": \\"\\ud800\\"}"}\n'
    rows = rows_of(configured(), "transactions", bad + landed(transaction([])))
    assert [(row["_line"], row["reason_code"]) for row in rows["quarantine"]] == [(1, "not_an_answer")]
    assert [row["_line"] for row in rows["solana_transactions"]] == [2]


def test_an_unmapped_event_is_kept_and_quarantined(configured, fixtures):
    """A settlement called with too few accounts: the event is there, its canonical rows are not."""
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(fixtures))
    result = json.loads((fixtures / "solana/program_runs/openbookv2_03_deposit_alice_legacy.json.json").read_bytes())[
        "result"
    ]
    result["transaction"]["message"]["instructions"][0]["accounts"] = [1, 5, 3, 6, 7]
    rows = rows_of(ctx, "transactions", landed(result))
    assert [row["event_name"] for row in rows["solana_events"]] == ["DepositLog"]
    assert rows["canonical_events"] == []
    assert [(row["reason_code"], row["position"]) for row in rows["quarantine"]] == [
        ("mapping_failed", "log:8.0:0"),
        ("mapping_failed", "log:8.0:1"),
    ]
    payload = next(line for line in result["meta"]["logMessages"] if line.startswith("Program data: ")).split()[-1]
    assert {row["raw_base64"] for row in rows["quarantine"]} == {payload}
    assert {row["_event_date"] for row in rows["quarantine"]} == {"2025-10-09"}


def test_unknown_discriminator_of_our_program(configured):
    ctx = configured()
    program = ctx.config.own.program_id
    logs = [
        f"Program {program} invoke [1]",
        "Program data: " + b64(b"unknown discriminator"),
        f"Program {program} success",
    ]
    rows = rows_of(ctx, "transactions", landed(transaction(logs)))
    (row,) = rows["quarantine"]
    assert (row["reason_code"], row["program_id"], row["signature"], row["position"]) == (
        "unknown_discriminator",
        program,
        SIGNATURE,
        "log:1.0",
    )
    assert base64.b64decode(row["raw_base64"]) == b"unknown discriminator"


def test_recorded_openbook_deposit(configured, fixtures):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(fixtures))
    result = json.loads((fixtures / "solana/program_runs/openbookv2_03_deposit_alice_legacy.base64.json").read_bytes())[
        "result"
    ]
    rows = rows_of(ctx, "transactions", landed(result))
    (event,) = rows["solana_events"]
    assert json.loads(event["data"]) == {
        "open_orders_account": PSEUDONYM("7DQ5VNKWnS27DQheTao7TRtmq6NsMFK8aj5CfaRKT9kn", "wallet"),
        "signer": PSEUDONYM("FPP21sbqhr2LPjSnJkw5NBetPubeFG4PsQFBxHj8noTq", "wallet"),
        "base_amount": "5000000000",
        "quote_amount": "7000000000",
    }
    assert [(row["amount"], row["vault"], row["_event_date"]) for row in rows["canonical_events"]] == [
        ("5000000000", "2dCt4rQZZ7JmzaSLvpuVKQ5C5dCp4bKLvi24YDi8zkt2", "2025-10-09"),
        ("7000000000", "4j4jYwUb755H5bgackujVWxzZzFQunRM7fEZqUtF2huN", "2025-10-09"),
    ]
    assert {row["escrow_id"] for row in rows["canonical_events"]} == {json.loads(event["data"])["open_orders_account"]}


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"", "empty", "there is nothing in it"),
        (b'{\n "result": nul', "bad_json", "not JSON: Expecting value (line 2, column 12)"),
        (b"\xff\xfe", "invalid_utf8", "the bytes are not UTF-8 (byte 0)"),
        (b"3", "not_an_answer", "a JSON number, neither a getTransaction nor a getBlock answer"),
        (b'{"a": 1}', "not_an_answer", "a JSON object, neither a getTransaction nor a getBlock answer"),
        (b'{"instructions": []}', "not_an_answer", "an Anchor IDL, neither a getTransaction nor a getBlock answer"),
        (
            b'{"result": {"blockhash": "x", "signatures": []}}',
            "block_without_transactions",
            "a getBlock answer without full transactions",
        ),
        (
            b'{"transaction": {}, "meta": null}',
            "not_a_transaction",
            "the result has no meta: whether the transaction succeeded is unknown",
        ),
    ],
)
def test_unusable_files(configured, content, code, reason):
    rows = rows_of(configured(), "unusable", content)
    assert [(row["reason_code"], row["reason"], base64.b64decode(row["raw_base64"])) for row in rows["quarantine"]] == [
        (code, reason, content)
    ]
    assert set(rows) == {"quarantine"}


def test_a_block_without_slot_is_unusable(configured, fixtures):
    content = (Path(fixtures) / "solana/blocks/get_block_json_encoding.json").read_bytes()
    (row,) = rows_of(configured(), "unusable", content)["quarantine"]
    assert row["reason_code"] == "no_slot"


def test_signatures_balances_and_calls(configured):
    ctx = configured()
    vault, treasury, program = ctx.config.own.vaults[0], ctx.config.own.treasury[0], ctx.config.own.program_id
    entries = [
        {"signature": "a", "slot": 5, "blockTime": 1_791_244_800, "err": {"x": 1}, "confirmationStatus": "finalized"},
        {"signature": "b", "slot": 6, "blockTime": None, "err": None},
    ]
    rows = rows_of(ctx, "signatures", json.dumps({"address": vault.address, "entries": entries}).encode() + b"\n{}\n")
    assert set(rows["solana_signatures"][0]) == columns("solana_signatures")
    assert [(r["signature"], r["success"], r["block_time"]) for r in rows["solana_signatures"]] == [
        ("a", False, "2026-10-06T00:00:00Z")
    ]
    assert [(r["_line"], r["reason_code"]) for r in rows["quarantine"]] == [(1, "no_block_time"), (2, "not_an_answer")]

    token = {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"context": {"slot": 9}, "value": {"amount": "18446744073709551615", "decimals": 6}},
    }
    native = {"jsonrpc": "2.0", "id": 1, "result": {"context": {"slot": 9}, "value": 7}}
    gone = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "could not find account"}}
    lines = [
        {
            "address": vault.address,
            "role": "vault",
            "kind": "token",
            "response": json.dumps(token),
            "block_time": 1_791_244_800,
        },
        {
            "address": treasury,
            "role": "treasury",
            "kind": "token",
            "response": json.dumps(token),
            "block_time": 1_791_244_800,
        },
        {
            "address": program,
            "role": "program",
            "kind": "native",
            "response": json.dumps(native),
            "block_time": 1_791_244_800,
        },
        {"address": vault.address, "role": "vault", "kind": "token", "response": json.dumps(gone), "block_time": None},
    ]
    rows = rows_of(ctx, "account_balances", "\n".join(map(json.dumps, lines)).encode())
    assert {frozenset(row) for row in rows["solana_account_balances"]} == {
        frozenset(columns("solana_account_balances"))
    }
    assert [
        (r["role"], r["mint"], r["decimals"], r["amount"], r["slot"], r["block_time"])
        for r in rows["solana_account_balances"]
    ] == [
        ("vault", vault.mint, 6, "18446744073709551615", 9, "2026-10-06T00:00:00Z"),
        ("treasury", None, 6, "18446744073709551615", 9, "2026-10-06T00:00:00Z"),
        ("program", None, 9, "7", 9, "2026-10-06T00:00:00Z"),
    ]
    assert [(r["_line"], r["reason"]) for r in rows["quarantine"]] == [
        (4, f"no balance of the vault {vault.address} (JSON-RPC error -32602)")
    ]
