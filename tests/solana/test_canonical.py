"""Recorded and simulated events as canonical ones: exact amounts, classes, vaults and mints; what can't be mapped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chain_builder import (
    GO_NOW,
    OTHER,
    PAYER,
    PROGRAM,
    THIRD,
    call,
    data,
    enter,
    fail,
    idl,
    key,
    leave,
    made,
    transaction,
)

from ingestion.solana.anchor.emission import extract
from ingestion.solana.anchor.idl import IdlRegistry, parse_idl
from ingestion.solana.canonical import Canonical, Mapper, Unmapped
from ingestion.solana.expressions import Sources
from ingestion.solana.profile import registry_of
from ingestion.solana.transaction import view_of
from warehouse.config import ConfigError, Mint
from warehouse.profile import Profile

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
BASE_VAULT, QUOTE_VAULT = "2dCt4rQZZ7JmzaSLvpuVKQ5C5dCp4bKLvi24YDi8zkt2", "4j4jYwUb755H5bgackujVWxzZzFQunRM7fEZqUtF2huN"
BASE_MINT, QUOTE_MINT = "7bRvmUFgJjsPUUTVazYUZRc7pbZeHwQSVoitDp9w3NWB", "EvTMf1qBBiGpQyRKaT9B5sYytqi4Dyr9RU1krCtbCyPe"
ALICE, ORDERS = "FPP21sbqhr2LPjSnJkw5NBetPubeFG4PsQFBxHj8noTq", "7DQ5VNKWnS27DQheTao7TRtmq6NsMFK8aj5CfaRKT9kn"


def openbook(configured, fixture: str, vault_mints=None):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(FIXTURES))
    view = view_of(json.loads((FIXTURES / "solana" / "program_runs" / fixture).read_bytes())["result"])
    found = extract(view, registry_of(ctx.config, ctx.profile))
    sources = Sources(
        view,
        vault_mints or {BASE_VAULT: BASE_MINT, QUOTE_VAULT: QUOTE_MINT},
        {BASE_MINT: Mint(symbol="SOL", decimals=9)},
    )
    mapper = Mapper(ctx.profile)
    return [item for event in found.events for item in mapper(event, sources)]


@pytest.mark.parametrize("encoding", ["json", "base64"])
@pytest.mark.parametrize(
    ("fixture", "canonical", "amounts", "status"),
    [
        ("openbookv2_03_deposit_alice_legacy", "deposit", (5_000_000_000, 7_000_000_000), "counted"),
        ("openbookv2_11_settle_option_none", "withdrawal", (5_940_000_000, 7_000_000_000), "counted"),
        ("openbookv2_13_FAILED_after_event", "deposit", (1000, 1000), "reverted"),
        ("openbookv2_18_v0_ALT_deposit", "deposit", (2000, 3000), "counted"),
    ],
)
def test_recorded_money(configured, fixtures, fixture, canonical, amounts, status, encoding):
    base, quote = openbook(configured, f"{fixture}.{encoding}.json")
    classes = ("external", "escrow") if canonical == "deposit" else ("escrow", "external")
    for item, amount, vault, mint, decimals in (
        (base, amounts[0], BASE_VAULT, BASE_MINT, 9),
        (quote, amounts[1], QUOTE_VAULT, QUOTE_MINT, None),
    ):
        assert (item.canonical, item.amount, item.vault, item.mint, item.decimals) == (
            canonical,
            amount,
            vault,
            mint,
            decimals,
        )
        assert (item.holder, item.escrow, item.classes, item.event.status) == (ALICE, ORDERS, classes, status)
    assert (base.ordinal, quote.ordinal) == ((0, 1) if canonical == "deposit" else (2, 3))


def test_a_mint_that_nothing_names_keeps_the_vaults_apart(configured, fixtures):
    base, quote = openbook(configured, "openbookv2_03_deposit_alice_legacy.json.json", {"elsewhere": "x"})
    assert (base.mint, quote.mint) == (f"unknown:{BASE_VAULT}", f"unknown:{QUOTE_VAULT}")
    assert (base.decimals, quote.decimals) == (None, None)


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_token_instructions_name_the_mints(fixtures, encoding):
    path = FIXTURES / "solana/program_runs" / f"openbookv2_01_create_market_emit_cpi.{encoding}.json"
    sources = Sources(view_of(json.loads(path.read_bytes())["result"]), {}, {})
    assert (sources.mint_of(BASE_VAULT), sources.mint_of(QUOTE_VAULT)) == (BASE_MINT, QUOTE_MINT)


EVENTS = [
    {"name": "Made", "fields": [{"name": "value", "type": "u64"}, {"name": "who", "type": {"option": "publicKey"}}]}
]


def profile(**mapping: str) -> Profile:
    full = {
        "event": "Made",
        "canonical": "deposit",
        "mint": "const.mint",
        "vault": "const.vault",
        "amount": "event.value",
    }
    return Profile.model_validate({"name": "maker", "idl": {"input": "maker"}, "events": [full | mapping]})


def mapped(profile_: Profile, value: int = 5, who: bytes = b"\0", logs=None, events=EVENTS, **kwargs):
    payload = made(value) + who
    logs = logs or [enter(PROGRAM), data(payload), leave(PROGRAM)]
    kwargs.setdefault("instructions", [call(PROGRAM, GO_NOW, [OTHER, THIRD])])
    view = view_of(transaction(logs, **kwargs))
    registry = IdlRegistry()
    registry.add(parse_idl(idl(events=events)))
    (event,) = extract(view, registry).events
    return Mapper(profile_)(event, Sources(view, {}, {}))


def test_expressions():
    (item,) = mapped(
        profile(vault="account.first_account", mint="mint_of.second_account", holder="event.who"),
        who=b"\1" + bytes([9]) * 32,
        balances=[{"account": THIRD, "owner": PAYER, "mint": "TheMint", "decimals": 6, "pre": 1, "post": None}],
    )
    assert isinstance(item, Canonical)
    assert (item.vault, item.mint, item.decimals, item.amount) == (OTHER, "TheMint", 6, 5)
    assert item.holder == key(9)
    assert item.classes == ("external", "holder")


def test_a_zero_amount_makes_no_row_even_where_the_rest_is_unknown():
    assert mapped(profile(vault="account.no_such_account"), value=0) == []


@pytest.mark.parametrize(
    ("mapping", "kwargs", "reason"),
    [
        ({"vault": "account.third_account"}, {}, "account.third_account: go_now has no such account"),
        (
            {"vault": "account.first_account"},
            {"instructions": [call(PROGRAM, b"otherwis", [OTHER])]},
            "account.first_account: the emitting instruction is not in the IDL",
        ),
        (
            {"vault": "account.first_account"},
            {"instructions": [call(PROGRAM, GO_NOW, [])]},
            "account.first_account: go_now was called with 0 accounts only",
        ),
        (
            {"vault": "account.second_account"},
            {"instructions": [call(PROGRAM, GO_NOW, [OTHER, PROGRAM])]},
            "account.second_account: the optional account is absent",
        ),
        (
            {"vault": "account.first_account"},
            {"instructions": [call(OTHER), call(PROGRAM, GO_NOW, [OTHER])]},
            "account.first_account: the emitting instruction is unknown",
        ),
        ({"vault": "event.who"}, {}, "event.who is null"),
        ({"amount": "event.value.more"}, {}, "the event has no field 'value.more'"),
        ({"amount": "const.much"}, {}, "the amount is no integer"),
        ({"amount": "const.100000000000000000000000000000"}, {}, "the amount does not fit NUMERIC"),
        ({"amount": "const.-1"}, {}, "the amount is negative"),
    ],
)
def test_a_mapping_without_value_says_why(mapping, kwargs, reason):
    (item,) = mapped(profile(**mapping), **kwargs)
    assert isinstance(item, Unmapped)
    assert item.reason == f"Made -> deposit: {reason}"


def test_a_failed_transaction_keeps_its_status():
    (item,) = mapped(profile(), logs=[enter(PROGRAM), data(made(5) + b"\0"), fail(PROGRAM)], err="AccountInUse")
    assert item.event.status == "reverted"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event": "Sold"}, "events.0.event: openbook_v2 has no event 'Sold' (it has DepositLog, "),
        (
            {"amount": "event.sum"},
            "events.0.amount: DepositLog has no field 'sum' (it has open_orders_account, signer, ",
        ),
    ],
)
def test_a_profile_that_does_not_fit_the_idl(configured, fixtures, changes, message):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(FIXTURES))
    mapping = ctx.profile.events[0].model_copy(update=changes)
    with pytest.raises(ConfigError) as caught:
        registry_of(ctx.config, ctx.profile.model_copy(update={"events": [mapping]}))
    assert str(caught.value).startswith(f"config/platforms/openbook_v2.yml: {message}")


def test_the_idl_of_the_input_folder(configured, fixtures, tmp_path, monkeypatch):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(FIXTURES))
    registry = registry_of(ctx.config, ctx.profile)
    assert [item.name for item in registry.lookup(ctx.config.own.program_id, 1)] == ["openbook_v2"]
    (tmp_path / "solana" / "deep").mkdir(parents=True)
    (tmp_path / "solana" / "deep" / "other.json").write_bytes(idl())
    (tmp_path / "solana" / "broken.json").write_bytes(b'{"instructions"')
    monkeypatch.setenv("WAREHOUSE_INPUT", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no Anchor IDL of that name, or of program opnb2.*\(found: maker\)$"):
        registry_of(ctx.config, ctx.profile)
    addressed = ctx.config.model_copy(
        update={"platforms": {"openbook_v2": ctx.config.own.model_copy(update={"program_id": PROGRAM})}}
    )
    open_profile = replace_events(ctx.profile)
    assert [item.name for item in registry_of(addressed, open_profile).lookup(PROGRAM, 1)] == ["maker"]
    monkeypatch.delenv("WAREHOUSE_INPUT")
    with pytest.raises(ConfigError, match="needs an input folder"):
        registry_of(ctx.config, ctx.profile)


def replace_events(profile_: Profile) -> Profile:
    return profile_.model_copy(update={"events": []})
