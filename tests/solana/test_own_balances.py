"""Every own account among a transaction's keys has its balances around the transaction: lamports and tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from chain_builder import OTHER, PAYER, PROGRAM, call, transaction
from solana_context import rows_of

from ingestion.base import Context
from sandbox import addresses
from sandbox.chain import build_chain
from sandbox.world import build_world
from warehouse.config import Platform

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
BUYER = "Gygj9QQby4j2jryqyqBHvLP7ctv2SaANgh4sCb69BUpA"
CURVE = "2Y3wfpoDxGWYsuqDhSZKWeVh5Mgg42edV9bd5CFYA679"
FEES = "AShUETU4ABeHiBAwLfG56X3mv9CGUZRQ5ZK5RPzte4Th"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def owning(ctx: Context, **own: Any) -> Context:
    """The context of a platform that has these addresses instead of its own."""
    platforms = {ctx.config.platform: Platform.model_validate(own)}
    ctx.config = ctx.config.model_copy(update={"platforms": platforms})
    return ctx


def body(results: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps({"response": json.dumps({"result": result})}).encode() + b"\n" for result in results)


def native(rows) -> list[tuple]:
    names = ("account", "account_kind", "pre_lamports", "post_lamports", "success")
    return [tuple(row[name] for name in names) for row in rows["solana_native_balances"]]


def test_recorded_native_and_token_balances(configured, fixtures):
    result = json.loads((fixtures / "solana/tx/pump_buy_jsonparsed.json").read_bytes())
    ctx = owning(
        configured(),
        program_id=PUMP,
        vaults=[{"address": CURVE, "mint": USDC}],
        treasury=[FEES],
        fee_payers=[BUYER],
    )
    rows = rows_of(ctx, "transactions", body([result.get("result", result)]))
    assert native(rows) == [
        (BUYER, "fee_payer", "812758564779", "812758540001", True),
        (CURVE, "vault", "2039280", "2039280", True),
        (FEES, "treasury", "2039280", "2039280", True),
        (PUMP, "program", "8502112342", "8502112342", True),
    ]
    names = ("account", "account_kind", "mint", "pre_amount", "post_amount")
    assert [
        tuple(row[name] for name in names) for row in rows["solana_token_balances"] if row["account_kind"] != "other"
    ] == [
        (CURVE, "vault", USDC, "216821345299", "216817828107"),
        (FEES, "treasury", USDC, "21630948", "25148140"),
    ]
    assert len(rows["solana_token_balances"]) == 8


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_recorded_native_balances_in_each_encoding(configured, fixtures, encoding):
    path = fixtures / f"solana/tx/solders_get_transaction_{encoding}_encoding.json"
    vote = "EsEtxoyhFTgfvudcy2VwwQJ1qA6BScLUW39PKpYczuxF"
    payer = "5p8qKVyKthA9DUb1rwQDzjcmTkaZdwN97J3LiaEywUjd"
    document = json.loads(path.read_bytes())
    ctx = owning(configured(), program_id=PUMP, fee_payers=[payer], treasury=[vote])
    assert native(rows_of(ctx, "transactions", body([document.get("result", document)]))) == [
        (payer, "fee_payer", "65966805251", "65966800251", True),
        (vote, "treasury", "28420419522", "28420419522", True),
    ]


def test_an_answer_without_lamports_makes_no_rows(configured, fixtures):
    path = fixtures / "solana/program_runs/openbookv2_03_deposit_alice_legacy.json.json"
    result = json.loads(path.read_bytes())["result"]
    assert result["meta"]["preBalances"] == []
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(fixtures))
    without = json.loads(json.dumps(result))
    del without["meta"]["preBalances"], without["meta"]["postBalances"]
    rows = rows_of(ctx, "transactions", body([result, without]))
    assert [len(rows[table]) for table in ("solana_transactions", "solana_native_balances")] == [2, 0]


def test_lamports_that_are_no_integer_are_quarantined(configured):
    ctx = owning(configured(), program_id=PROGRAM, fee_payers=[PAYER])
    bad = transaction([], [call(PROGRAM)])
    bad["meta"]["preBalances"][0] = None
    foreign = transaction([], [call(PROGRAM), call(OTHER)])
    foreign["meta"]["preBalances"][2] = None
    rows = rows_of(ctx, "transactions", body([bad, foreign]))
    assert [(row["_line"], row["reason_code"], row["reason"]) for row in rows["quarantine"]] == [
        (1, "not_a_transaction", "the lamports of account 0 are no integers")
    ]
    assert {row["_line"] for row in rows["solana_native_balances"]} == {2}


@pytest.fixture(scope="module")
def chain():
    return build_chain(build_world())


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base58", "base64"])
def test_every_own_account_of_every_simulated_transaction(configured, chain, encoding):
    ctx = configured()
    own = ctx.config.own
    kinds = (
        dict.fromkeys(own.treasury, "treasury")
        | {vault.address: "vault" for vault in own.vaults}
        | {own.program_id: "program"}
        | dict.fromkeys(own.fee_payers, "fee_payer")
    )
    signatures = [row.signature for row in reversed(chain.history(addresses.PROGRAM_ID))]
    rows = rows_of(ctx, "transactions", body([chain.transaction(signature, encoding) for signature in signatures]))
    lamports, tokens = [], []
    for signature in signatures:
        answer = chain.transaction(signature, "jsonParsed")  # its keys hold the looked-up accounts
        keys = [item["pubkey"] for item in answer["transaction"]["message"]["accountKeys"]]
        meta = answer["meta"]
        for key, pre, post in zip(keys, meta["preBalances"], meta["postBalances"], strict=True):
            if key in kinds:
                lamports.append((signature, key, kinds[key], str(pre), str(post)))
        sides = [
            {keys[item["accountIndex"]]: item["uiTokenAmount"]["amount"] for item in meta[name]}
            for name in ("preTokenBalances", "postTokenBalances")
        ]
        for key in keys:
            if key in kinds and any(key in side for side in sides):
                tokens.append((signature, key, kinds[key], sides[0].get(key), sides[1].get(key)))
    assert {kind for _, _, kind, _, _ in lamports} == {"program", "vault", "treasury", "fee_payer"}
    assert [
        (row["signature"], row["account"], row["account_kind"], row["pre_lamports"], row["post_lamports"])
        for row in rows["solana_native_balances"]
    ] == lamports
    assert len(tokens) > 1000
    assert [
        (row["signature"], row["account"], row["account_kind"], row["pre_amount"], row["post_amount"])
        for row in rows["solana_token_balances"]
        if row["account_kind"] != "other"
    ] == tokens
