"""The view of a transaction is the same whatever encoding it was received in."""

from __future__ import annotations

import json
from dataclasses import fields

import base58
import pytest
from chain_builder import OTHER, PAYER, PROGRAM, call, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.solana.anchor.emission import EVENT_TAG
from ingestion.solana.base58 import begins_with, decode_base58
from ingestion.solana.transaction import Instruction, NotATransaction, view_of


def plain(item: Instruction) -> tuple:
    return item.program_id, list(item.accounts), item.data, item.height or 1


def bare(view) -> dict:
    """All but the encoding and the instructions."""
    names = {field.name for field in fields(view) if not field.name.startswith("_")} - {"encoding"}
    assert len(names) == 17
    return {name: getattr(view, name) for name in names}


def comparable(view):
    top, inner = view.instructions, view.inner
    return (
        bare(view),
        [plain(item) for item in top],
        {at: [plain(item) for item in group] for at, group in inner.items()},
    )


def test_recorded_pairs(fixtures):
    pairs = sorted((fixtures / "solana" / "program_runs").glob("*.base64.json"))
    assert len(pairs) == 8
    for path in pairs:
        binary = view_of(json.loads(path.read_bytes())["result"])
        text = view_of(json.loads((path.parent / path.name.replace(".base64.", ".json.")).read_bytes())["result"])
        assert (binary.encoding, text.encoding) == ("base64", "json")
        assert comparable(binary) == comparable(text)


def test_recorded_blocks_and_versions(fixtures):
    blocks = fixtures / "solana" / "blocks"
    text, binary = (
        json.loads((blocks / f"get_block_{encoding}_encoding.json").read_bytes())["result"]
        for encoding in ("json", "base64")
    )
    assert len(text["transactions"]) == len(binary["transactions"]) > 0
    for one, other in zip(text["transactions"], binary["transactions"], strict=True):
        assert comparable(view_of(one, slot=7, block_time=text["blockTime"])) == comparable(
            view_of(other, slot=7, block_time=text["blockTime"])
        )
    lookup = json.loads((fixtures / "solana/program_runs/openbookv2_18_v0_ALT_deposit.base64.json").read_bytes())[
        "result"
    ]
    view = view_of(lookup)
    assert (view.version, len(view.account_keys)) == ("0", 10)
    assert view.instructions[0].accounts[5] == "2dCt4rQZZ7JmzaSLvpuVKQ5C5dCp4bKLvi24YDi8zkt2"  # by the lookup table


def test_every_simulated_transaction_in_every_encoding():
    from sandbox.chain import build_chain
    from sandbox.world import build_world

    chain = build_chain(build_world())
    signatures = [row.signature for row in chain.history(chain_program())][::9]
    assert len(signatures) > 50
    for signature in signatures:
        views = {
            name: view_of(chain.transaction(signature, name)) for name in ("json", "jsonParsed", "base58", "base64")
        }
        assert {name: view.encoding for name, view in views.items()} == {name: name for name in views}
        expected = comparable(views["json"])
        assert comparable(views["base64"]) == expected
        assert comparable(views["base58"]) == expected
        parsed = views["jsonParsed"]
        assert bare(parsed) == expected[0]
        for one, other in zip(parsed.instructions, views["json"].instructions, strict=True):
            assert one.parsed is not None or plain(one) == plain(other)
            assert one.program_id == other.program_id


def chain_program() -> str:
    from sandbox import addresses

    return addresses.PROGRAM_ID


def test_token_balances():
    balance = {"account": OTHER, "owner": PAYER, "mint": PROGRAM, "decimals": 6}
    view = view_of(transaction([], balances=[balance | {"pre": None, "post": 5}]))
    assert [(b.account, b.owner, b.mint, b.decimals, b.pre, b.post) for b in view.token_balances] == [
        (OTHER, PAYER, PROGRAM, 6, None, 5)
    ]
    view = view_of(transaction([], balances=[balance | {"pre": 2**64 - 1, "post": None}]))
    assert [(b.pre, b.post) for b in view.token_balances] == [(2**64 - 1, None)]


def test_the_owner_after_the_transaction_counts():
    result = transaction(
        [], balances=[{"account": OTHER, "owner": PAYER, "mint": PROGRAM, "decimals": 6, "pre": 1, "post": 2}]
    )
    result["meta"]["postTokenBalances"][0]["owner"] = PROGRAM
    (balance,) = view_of(result).token_balances
    assert balance.owner == PROGRAM


@pytest.mark.parametrize("listed", [True, False])
def test_looked_up_accounts_of_a_jsonparsed_answer_are_taken_once(listed):
    """A node lists them among the keys; the answer may name them again in meta.loadedAddresses."""
    result = transaction([], [call(PROGRAM)])
    message = result["transaction"]["message"]
    message["accountKeys"] = [{"pubkey": address, "source": "transaction"} for address in message["accountKeys"]]
    message["accountKeys"] += [{"pubkey": OTHER, "source": "lookupTable"}] if listed else []
    result["meta"]["loadedAddresses"] = {"writable": [OTHER], "readonly": []}
    assert view_of(result).account_keys == [PAYER, PROGRAM, OTHER]


def broken(**changes):
    result = transaction([], [call(PROGRAM)])
    for path, value in changes.items():
        target = result
        *parents, last = path.split("__")
        for parent in parents:
            target = target[parent]
        target[last] = value
    return result


def balance(decimals, amount):
    return {"accountIndex": 0, "mint": OTHER, "uiTokenAmount": {"amount": amount, "decimals": decimals}}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("x", "the result is no object"),
        ({}, "no transaction in the result"),
        (broken(meta=None), "the result has no meta: whether the transaction succeeded is unknown"),
        (broken(transaction="!!!"), "the transaction is not shaped as documented (ValueError)"),
        (broken(transaction=["AAAA", "base64+zstd"]), "unknown encoding 'base64+zstd'"),
        (broken(transaction=["AAAA", "base64"]), "the transaction is not shaped as documented"),
        (broken(transaction__message__accountKeys=[PAYER]), "the transaction is not shaped as documented (IndexError)"),
        (broken(transaction__signatures=[]), "the transaction is not shaped as documented (IndexError)"),
        (broken(meta__logMessages=[None]), "a key, signature or log line is no text"),
        (broken(slot="300"), "the slot, fee or compute units are no whole numbers"),
        (broken(slot=2**63), "the slot, fee or compute units are no whole numbers"),
        (broken(meta__fee=True), "the slot, fee or compute units are no whole numbers"),
        (broken(meta__computeUnitsConsumed=-1), "the slot, fee or compute units are no whole numbers"),
        (broken(meta__preTokenBalances=[balance("6", "1")]), "the decimals of a token balance are no whole number"),
        (broken(meta__preTokenBalances=[balance(6, str(2**64))]), "the amount of a token balance does not fit 64 bits"),
        (broken(meta__postTokenBalances=[balance(6, "-1")]), "the amount of a token balance does not fit 64 bits"),
        (
            broken(meta__preTokenBalances=[balance(6, "1.5")]),
            "the transaction is not shaped as documented (ValueError)",
        ),
        (broken(meta__innerInstructions=[{}]), "the transaction is not shaped as documented (KeyError)"),
    ],
)
def test_what_is_no_transaction(result, reason):
    with pytest.raises(NotATransaction) as caught:
        view_of(result)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ({"programIdIndex": 0, "accounts": [], "data": 5}, "data of an instruction is no text"),
        ({"programIdIndex": 0, "accounts": []}, "data of an instruction is no text"),
        (
            {"programIdIndex": 0, "accounts": [7], "data": ""},
            "the transaction is not shaped as documented (IndexError)",
        ),
        ({"programIdIndex": 0, "data": ""}, "the transaction is not shaped as documented (KeyError)"),
    ],
)
def test_a_misshapen_instruction_is_found_when_it_is_asked_for(instruction, reason):
    """What it holds is nobody's business before: a transaction is not lost for an instruction of another program."""
    top = view_of(broken(transaction__message__instructions=[instruction]))
    group = [{"index": 0, "instructions": [instruction]}]
    inner = view_of(broken(meta__innerInstructions=group))
    assert (top.programs, inner.inner_programs) == ([PAYER], {0: [PAYER]})
    for read in (lambda: top.instructions, lambda: inner.inner):
        with pytest.raises(NotATransaction) as caught:
            read()
        assert str(caught.value) == reason


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_base58(data):
    assert decode_base58(base58.b58encode(data).decode()) == data


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.sampled_from([b"", EVENT_TAG, EVENT_TAG[:7], EVENT_TAG[:7] + b"\x1c", b"\0"]))
def test_base58_text_shows_how_its_bytes_begin(data, head):
    text = base58.b58encode(head + data).decode()
    assert begins_with(text, EVENT_TAG) == (head + data).startswith(EVENT_TAG)


@pytest.mark.parametrize("size", [*range(40), 300, 1232])
def test_the_first_and_last_texts_of_a_prefix(size):
    for tail in (b"\0" * size, b"\xff" * size):
        assert begins_with(base58.b58encode(EVENT_TAG + tail).decode(), EVENT_TAG)
    number = int.from_bytes(EVENT_TAG, "big")
    before, behind = (number - 1).to_bytes(8, "big"), (number + 1).to_bytes(8, "big")
    assert not begins_with(base58.b58encode(before + b"\xff" * size).decode(), EVENT_TAG)
    assert not begins_with(base58.b58encode(behind + b"\0" * size).decode(), EVENT_TAG)


def test_long_base58():
    for size in (1000, 9999, 10_240):
        data = bytes(range(256)) * 41
        assert decode_base58(base58.b58encode(data[:size]).decode()) == data[:size]


@pytest.mark.parametrize("text", ["0", "abcO", "é", "a b"])
def test_not_base58(text):
    for read in (decode_base58, lambda text: begins_with(text, EVENT_TAG)):
        with pytest.raises(ValueError, match="not base58"):
            read(text)
