"""Events that a cut log hides come back from their instructions: the same, once, and marked."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache

import pytest
from chain_builder import GO_NOW, OTHER, PAYER, PROGRAM, THIRD, call, cpi_event, data, enter, leave, transaction
from cut_log import chatty, cut
from solana_context import rows_of

from ingestion.solana.anchor.emission import extract
from ingestion.solana.anchor.idl import IdlRegistry, parse_idl
from ingestion.solana.anchor.rebuild import check_rule, rebuilt_events
from ingestion.solana.profile import registry_of
from ingestion.solana.transaction import view_of
from sandbox import addresses
from sandbox.chain import build_chain
from sandbox.world import build_world
from warehouse.config import ConfigError
from warehouse.profile import Rebuild

FIELDS = [{"name": "who", "type": "publicKey"}, {"name": "amount", "type": "u64"}, {"name": "note", "type": "string"}]
DOCUMENT = {
    "version": "0.1.0",
    "name": "maker",
    "metadata": {"address": PROGRAM},
    "instructions": [
        {
            "name": "goNow",
            "accounts": [{"name": "firstAccount"}, {"name": "secondAccount", "isOptional": True}],
            "args": [{"name": "sum", "type": "u64"}, {"name": "more", "type": {"defined": "More"}}],
        }
    ],
    "types": [{"name": "More", "type": {"kind": "struct", "fields": [{"name": "theNote", "type": "string"}]}}],
    "events": [{"name": "Gone", "fields": FIELDS}],
}
RULE = {"who": "account.first_account", "amount": "arg.sum", "note": "arg.more.the_note"}
IDL = parse_idl(json.dumps(DOCUMENT))
GONE = next(iter(IDL.events))


def go(amount: int, note: str = "hi", accounts=(THIRD, OTHER), height=None):
    text = len(note).to_bytes(4, "little") + note.encode()
    return call(PROGRAM, GO_NOW + amount.to_bytes(8, "little") + text, accounts, height)


def gone(amount: int, note: str = "hi") -> bytes:
    who = bytes([4]) * 32  # the bytes of THIRD
    return GONE + who + amount.to_bytes(8, "little") + len(note).to_bytes(4, "little") + note.encode()


def rebuilt(logs, instructions, inner=None, rule=RULE, **more):
    registry = IdlRegistry()
    registry.add(IDL)
    view = view_of(transaction(logs, instructions, inner, **more))
    found = extract(view, registry)
    rules = {"Gone": Rebuild(instruction="go_now", fields=rule)}
    events = rebuilt_events(view, found.events, registry, PROGRAM, rules)
    return [(event.name, event.channel, event.position, event.status, event.data) for event in events]


def shown(amount: int, note: str = "hi") -> dict[str, str]:
    return {"who": THIRD, "amount": str(amount), "note": note}


def test_what_the_log_lost_comes_back_where_its_instruction_is():
    logs = [enter(PROGRAM), data(gone(1)), leave(PROGRAM), enter(PROGRAM)]
    room = 9999 - len("".join(logs)) - len(leave(PROGRAM))
    logs.append("Program log: ".ljust(room, "x"))
    logs += [data(gone(2)), leave(PROGRAM), enter(OTHER), enter(PROGRAM, 2), data(gone(3))]
    kept = cut(logs)
    assert kept == [*logs[:5], "Log truncated", leave(PROGRAM)]
    inner = {2: [call(THIRD, height=2), go(3, height=2)]}
    assert rebuilt(kept, [go(1), go(2), call(OTHER)], inner) == [
        ("Gone", "instruction", "1", "counted", shown(2)),
        ("Gone", "instruction", "2.1", "counted", shown(3)),
    ]


@pytest.mark.parametrize(
    ("logs", "instructions", "more"),
    [
        ([enter(PROGRAM), leave(PROGRAM)], [go(1)], {}),  # the log is whole: the program emitted nothing
        (["Log truncated"], [go(1)], {"err": "AccountInUse"}),  # rolled back
        ([enter(PROGRAM), data(gone(1)), "Log truncated"], [go(1)], {}),  # not lost
        (["Log truncated"], [go(1)], {"inner": {0: [cpi_event(PROGRAM, gone(1))]}}),  # not lost: the other channel
        (["Log truncated"], [call(PROGRAM, b"another instruction", [PAYER])], {}),
        (["Log truncated"], [call(PROGRAM, GO_NOW + b"\1", [PAYER])], {}),  # arguments are missing
        (["Log truncated"], [go(1, accounts=())], {}),  # accounts are missing
        (["Log truncated"], [call(OTHER, GO_NOW + bytes(12), [PAYER])], {}),  # another program
        (None, [go(1)], {}),  # no log at all is no cut one
    ],
)
def test_nothing_is_made_up(logs, instructions, more):
    assert rebuilt(logs, instructions, **more) == []


def test_an_event_without_its_place_stands_for_one_rebuilt_one():
    logs = [enter(PROGRAM), data(gone(1)), "Log truncated"]
    instructions = [call(OTHER), go(1), go(1)]  # the log does not fit the instructions: the event's place is unknown
    assert rebuilt(logs, instructions) == [("Gone", "instruction", "2", "counted", shown(1))]


def test_an_absent_optional_account_makes_no_event():
    rule = RULE | {"who": "account.second_account"}
    assert rebuilt(["Log truncated"], [go(1)], rule=rule)[0][4] == shown(1) | {"who": OTHER}
    assert rebuilt(["Log truncated"], [go(1, accounts=(THIRD, PROGRAM))], rule=rule) == []


@lru_cache(maxsize=1)
def simulated() -> list[dict]:
    chain = build_chain(build_world())
    signatures = [row.signature for row in reversed(chain.history(addresses.PROGRAM_ID))]
    return [chain.transaction(signature, "json") for signature in signatures]


@pytest.mark.parametrize(
    ("room", "hidden"),
    [
        (40, {"DepositMade", "WithdrawalMade", "MatchCreated", "MatchCompleted", "MatchCancelled", "DisputeOpened"}),
        (300, {"DepositMade", "WithdrawalMade", "MatchCompleted"}),
    ],
)
def test_the_simulated_platform_loses_none_of_the_events_that_its_profile_rebuilds(configured, room, hidden):
    """Each transaction with a log that the program's own talk has filled, against the same with its whole log."""
    ctx = configured()
    registry, rules, own = registry_of(ctx.config, ctx.profile), ctx.profile.rebuild, ctx.config.own.program_id
    channels: Counter[tuple[str, str]] = Counter()
    for result in simulated():
        whole = extract(view_of(result), registry).events
        view = view_of(chatty(result, own, room)) if any(event.program_id == own for event in whole) else None
        if view is None:
            continue
        found = extract(view, registry).events
        found += rebuilt_events(view, found, registry, own, rules)

        def counted(events):
            kept = [event for event in events if event.name in rules and event.status == "counted"]
            return Counter((event.name, event.emitter, json.dumps(event.data)) for event in kept)

        assert counted(found) == counted(whole)
        channels += Counter((event.name, event.channel) for event in found if event.name in rules)
    assert {name for name, channel in channels if channel == "instruction"} == hidden
    assert channels["DepositMade", "instruction"] > 20


def test_rows_of_a_cut_transaction(configured):
    ctx = configured()
    own = ctx.config.own.program_id
    registry = registry_of(ctx.config, ctx.profile)
    result = next(
        result
        for result in simulated()
        if [event.name for event in extract(view_of(result), registry).events if event.status == "counted"]
        == ["DepositMade"]
        and not any("e445a52e" in json.dumps(group) for group in result["meta"]["innerInstructions"])
        and [event.channel for event in extract(view_of(result), registry).events] == ["log"]
    )
    signature = result["transaction"]["signatures"][0]

    def rows(answer):
        return rows_of(ctx, "transactions", json.dumps({"response": json.dumps({"id": 1, "result": answer})}).encode())

    whole, lost = rows(result), rows(chatty(result, own, 40))
    (event,), (canonical,), (gap,) = lost["solana_events"], lost["canonical_events"], lost["quarantine"]
    assert event["channel"] == "instruction"
    assert event["event_key"] == f"{signature}:instruction:{event['position']}"
    same = ("event_name", "data", "status", "program_id", "idl")
    assert [event[name] for name in same] == [whole["solana_events"][0][name] for name in same]
    differs = {"event_key", "canonical_key"}
    assert {name: value for name, value in canonical.items() if name not in differs} == {
        name: value for name, value in whole["canonical_events"][0].items() if name not in differs
    }
    assert (gap["reason_code"], gap["signature"], gap["raw_bytes"]) == ("log_truncated", signature, 0)
    assert gap["reason"] == "the log was cut, events may be missing"
    assert [row["log_truncated"] for row in lost["solana_transactions"]] == [True]
    assert "quarantine" not in whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": "Sold"}, "maker has no event 'Sold'"),
        ({"instruction": "stop"}, "maker has no instruction 'stop'"),
        (
            {"fields": {"who": "account.first_account"}},
            "fields: those of Gone are who, amount, note (differs: amount, note)",
        ),
        ({"fields": RULE | {"more": "arg.sum"}}, "fields: those of Gone are who, amount, note (differs: more)"),
        ({"fields": RULE | {"amount": "arg.total"}}, "fields.amount: go_now has no argument 'total'"),
        ({"fields": RULE | {"note": "arg.more.memo"}}, "fields.note: go_now has no argument 'more.memo'"),
        ({"fields": RULE | {"who": "account.third"}}, "fields.who: go_now has no account 'third'"),
        ({"fields": RULE | {"note": "arg.sum"}}, "fields.note: arg.sum is of another type than the event's field"),
        ({}, None),
    ],
)
def test_rules_that_do_not_fit_the_idl(change, message):
    rule = Rebuild(instruction=change.get("instruction", "go_now"), fields=change.get("fields", RULE))
    assert check_rule(IDL, change.get("event", "Gone"), rule) == message


def test_a_profile_whose_rule_does_not_fit(configured):
    ctx = configured()
    deposit = ctx.profile.rebuild["DepositMade"]
    bad = deposit.model_copy(update={"instruction": "pay_in"})
    with pytest.raises(ConfigError) as caught:
        registry_of(ctx.config, ctx.profile.model_copy(update={"rebuild": {"DepositMade": bad}}))
    where = "config/platforms/skill_match.yml: rebuild.DepositMade: "
    assert str(caught.value) == f"{where}skill_match has no instruction 'pay_in'"
    with pytest.raises(ConfigError, match=r"rebuild\.Sold: skill_match has no event 'Sold'"):
        registry_of(ctx.config, ctx.profile.model_copy(update={"rebuild": {"Sold": deposit}}))
