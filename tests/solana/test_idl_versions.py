"""Versions of an IDL by slot in a profile: each payload is read with the IDL of its time, or quarantined."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from chain_builder import OTHER, PROGRAM, call, data, enter, idl, leave, made, transaction
from pydantic import ValidationError
from solana_context import rows_of

from ingestion.solana.anchor.emission import extract
from ingestion.solana.profile import registry_of
from ingestion.solana.transaction import view_of
from warehouse.config import ConfigError
from warehouse.profile import Profile

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "solana"
# file, number of TradeEvent's fields, bytes of its payload behind the discriminator (its fields are counted by hand)
HISTORY = [
    ("idl_history/pump_20250404_df5013e.json", 10, 32 + 8 + 8 + 1 + 32 + 8 + 4 * 8),
    ("idl_history/pump_20250508_e2b66e4.json", 16, 32 + 8 + 8 + 1 + 32 + 8 + 4 * 8 + 2 * (32 + 8 + 8)),
    ("idl_history/pump_20251017_3359025.json", 22, None),
    ("idl/chainstack_pump_fun_idl.json", 32, None),
]


def with_idl(ctx, written, **more):
    profile = Profile.model_validate({"name": "skill_match", "idl": written, "events": [], **more})
    return registry_of(ctx.config, profile)


def trade() -> bytes:
    """A recorded TradeEvent payload of the newest version."""
    lines = (FOLDER / "event_vectors.jsonl").read_text().splitlines()
    return next(base64.b64decode(v["data_b64"]) for v in map(json.loads, lines) if v["event"] == "TradeEvent")


def at_slot(slot: int, program: str, payload: bytes):
    result = transaction([enter(program), data(payload), leave(program)], [call(program)])
    return view_of(result | {"slot": slot})


def test_each_recorded_version_reads_the_payloads_of_its_slots(fixtures, configured):
    ctx = configured()
    own = ctx.config.own.program_id
    versions = [
        {"file": FOLDER / name, "from_slot": 100 * at, "to_slot": 100 * at + 100 if at < 3 else None}
        for at, (name, _, _) in enumerate(HISTORY)
    ]
    registry = with_idl(ctx, versions)
    newest = trade()
    expected = next(
        v["decoded"]
        for v in map(json.loads, (FOLDER / "event_vectors.jsonl").read_text().splitlines())
        if v["event"] == "TradeEvent"
    )
    for at, (_, fields, size) in enumerate(HISTORY):
        (event,) = extract(at_slot(100 * at, own, newest), registry).events
        assert event.data == dict(list(expected.items())[:fields])  # by appending, old fields stay what they were
        assert event.idl == registry.lookup(own, 100 * at + 99)[0]
        assert newest.endswith(event.trailing)
        old = newest[: len(newest) - len(event.trailing)]
        assert size is None or len(old) == 8 + size
        # a payload of this version, in its own slots: exact; in the next version's: too short, kept with its bytes
        (event,) = extract(at_slot(100 * at + 99, own, old), registry).events
        assert (event.data, event.trailing) == (dict(list(expected.items())[:fields]), b"")
        if at < 3:
            later = extract(at_slot(100 * at + 100, own, old), registry)
            assert later.events == []
            assert [(f.code, f.raw) for f in later.findings] == [("payload_too_short", old)]


def test_slots_without_an_idl_are_quarantined_not_silent(configured, tmp_path):
    ctx = configured()
    own = ctx.config.own.program_id
    (tmp_path / "one.json").write_bytes(idl(None))
    registry = with_idl(ctx, [{"file": tmp_path / "one.json", "from_slot": 10, "to_slot": 20}])
    for slot, codes in ((9, ["no_idl"]), (10, []), (19, []), (20, ["no_idl"])):
        found = extract(at_slot(slot, own, made(3)), registry)
        assert [(f.code, f.raw) for f in found.findings] == [(code, made(3)) for code in codes], slot
        assert [event.data for event in found.events] == [{"value": "3"}] * (not codes), slot


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ([(0, None), (5, None)], "version 1 overlaps the one before, which holds for the slots [0, ...)"),
        ([(0, 6), (5, None)], "version 1 overlaps the one before, which holds for the slots [0, 6)"),
        ([(5, None), (0, 5)], "version 1 overlaps the one before, which holds for the slots [5, ...)"),
        ([(0, 5), (6, None)], "no version for the slots [5, 6); if none is known, state after_gap: true in version 1"),
        ([(5, 5)], "to_slot 5 is not behind from_slot 5"),
        ([(-1, 5)], "greater than or equal to 0"),
        ([], "name at least one IDL"),
    ],
)
def test_versions_that_do_not_follow_one_another(versions, message):
    written = [{"file": "x.json", "from_slot": start, "to_slot": end} for start, end in versions]
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate({"name": "p", "idl": written, "events": []})
    assert message in str(caught.value)


def test_a_gap_that_is_stated(configured, tmp_path):
    (tmp_path / "one.json").write_bytes(idl(None))
    file = tmp_path / "one.json"
    ctx = configured()
    versions = [{"file": file, "to_slot": 5}, {"file": file, "from_slot": 7, "after_gap": True}]
    registry = with_idl(ctx, versions)
    assert [len(registry.lookup(ctx.config.own.program_id, slot)) for slot in (4, 5, 6, 7)] == [1, 0, 0, 1]
    with pytest.raises(ValidationError, match="version 1 states a gap, but there is none before it"):
        with_idl(ctx, [{"file": file, "to_slot": 5}, {"file": file, "from_slot": 5, "after_gap": True}])


def test_events_of_another_program_are_decoded_and_never_money(configured, tmp_path):
    (tmp_path / "own.json").write_bytes(idl(None))
    (tmp_path / "other.json").write_bytes(idl(None))
    ctx = configured()
    own = ctx.config.own.program_id
    ctx.profile = Profile.model_validate(
        {
            "name": "skill_match",
            "idl": {"file": tmp_path / "own.json"},
            "programs": {OTHER: [{"file": tmp_path / "other.json"}]},
            "events": [
                {
                    "event": "Made",
                    "canonical": "deposit",
                    "mint": "const.m",
                    "vault": "const.v",
                    "amount": "event.value",
                }
            ],
        }
    )
    logs = [enter(own), enter(OTHER, 2), data(made(1)), leave(OTHER), data(made(2)), leave(own)]
    result = transaction(logs, [call(own)], {0: [call(OTHER, height=2)]})
    rows = rows_of(ctx, "transactions", json.dumps({"response": json.dumps({"id": 1, "result": result})}).encode())
    events = [(row["program_id"], row["status"], row["data"]) for row in rows["solana_events"]]
    assert events == [(OTHER, "counted", '{"value":"1"}'), (own, "counted", '{"value":"2"}')]
    assert [(row["program_id"], row["amount"]) for row in rows["canonical_events"]] == [(own, "2")]


def test_the_platforms_own_program_stands_in_one_place(configured, tmp_path):
    ctx = configured()
    (tmp_path / "own.json").write_bytes(idl(None))
    file = {"file": tmp_path / "own.json"}
    with pytest.raises(ConfigError, match=f"programs.{ctx.config.own.program_id}: this is the platform's own program"):
        with_idl(ctx, file, programs={ctx.config.own.program_id: file})
    with pytest.raises(ValidationError, match="programs"):
        with_idl(ctx, file, programs={"no address": file})


def test_a_mapping_needs_its_fields_in_some_version(configured, tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_bytes(idl(PROGRAM))
    fields = [{"name": "value", "type": "u64"}, {"name": "note", "type": "string"}]
    new.write_bytes(idl(PROGRAM, [{"name": "Made", "fields": fields}, {"name": "Rated", "fields": []}]))
    versions = [{"file": old, "to_slot": 9}, {"file": new, "from_slot": 9}]
    ctx = configured()
    good = [{"event": "Rated", "canonical": "rated"}, {"event": "Made", "canonical": "joined", "escrow": "event.note"}]
    assert with_idl(ctx, versions, events=good).lookup(ctx.config.own.program_id, 8)
    bad = [{"event": "Made", "canonical": "joined", "escrow": "event.memo"}]
    with pytest.raises(ConfigError, match=r"events.0.escrow: Made has no field 'memo' \(it has value, note\)$"):
        with_idl(ctx, versions, events=bad)
