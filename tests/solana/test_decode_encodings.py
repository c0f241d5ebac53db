"""The 45 recorded events, in every encoding that the RPC has, whichever one the transaction was recorded in."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from solana_context import rows_of
from solders.transaction import VersionedTransaction
from transaction_encodings import to_base64, to_json, to_parsed

from ingestion.solana.anchor.emission import Extraction, extract
from ingestion.solana.anchor.idl import IdlRegistry, parse_idl
from ingestion.solana.transaction import view_of

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
SOLANA = FOLDER / "solana"
RUNS = [
    "openbookv2_01_create_market_emit_cpi.json.json",
    "openbookv2_03_deposit_alice_legacy.json.json",
    "openbookv2_05_set_delegate_some.json.json",
    "openbookv2_08_place_bid_bob_fills.json.json",
    "openbookv2_11_settle_option_none.json.json",
    "openbookv2_13_FAILED_after_event.json.json",
    "openbookv2_15_LOG_TRUNCATED_40_set_delegate.json.json",
    "openbookv2_18_v0_ALT_deposit.json.json",
]
PARSED = ["pump_buy_jsonparsed.json", "pump_create_jsonparsed.json"]


def recorded(name: str) -> dict[str, Any]:
    return json.loads((SOLANA / ("tx" if name in PARSED else "program_runs") / name).read_bytes())["result"]


def encoded(name: str) -> dict[str, dict[str, Any]]:
    """The recording in each encoding; the one it was recorded in as it is."""
    result = recorded(name)
    text = to_json(result) if name in PARSED else result
    return {
        "json": text,
        "jsonParsed": result if name in PARSED else to_parsed(result),
        "base64": to_base64(text),
    }


def extracted(result: dict[str, Any]) -> Extraction:
    registry = IdlRegistry()
    registry.add(
        parse_idl((SOLANA / "idl/drift_openbook_v2.json").read_bytes()), "opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb"
    )
    registry.add(parse_idl((SOLANA / "idl/chainstack_pump_fun_idl.json").read_bytes()))
    return extract(view_of(result), registry)


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base64"])
@pytest.mark.parametrize("name", [*RUNS, *PARSED])
def test_events_in_every_encoding(fixtures, name, encoding):
    result = encoded(name)[encoding]
    assert view_of(result).encoding == encoding
    found = extracted(result)
    expected = [item for item in json.loads((SOLANA / "expected_events.json").read_text()) if item["fixture"] == name]
    assert expected
    assert Counter(
        (event.channel, event.program_id, event.name, base64.b64encode(event.payload).decode())
        for event in found.events
    ) == Counter((item["source"], item["program"], item["name"], item["data_b64"]) for item in expected)
    # and all that is said of them: position, emitter, status, twin, data
    assert found == extracted(recorded(name))


def test_these_are_all_recorded_events(fixtures):
    expected = json.loads((SOLANA / "expected_events.json").read_text())
    assert len(expected) == 45
    assert {item["fixture"] for item in expected} == {*RUNS, *PARSED}


@pytest.mark.parametrize("name", RUNS)
def test_the_bytes_are_those_that_were_recorded(fixtures, name):
    """The test's own conversion, against the recorded base64 answers."""
    twin = json.loads((SOLANA / "program_runs" / name.replace(".json.json", ".base64.json")).read_bytes())["result"]
    assert to_base64(recorded(name))["transaction"] == twin["transaction"]


@pytest.mark.parametrize("name", PARSED)
def test_the_signatures_of_a_converted_recording_are_the_chains(fixtures, name):
    """Signed bytes: had the conversion changed one, the signature would not hold."""
    raw = base64.b64decode(to_base64(to_json(recorded(name)))["transaction"][0])
    assert VersionedTransaction.from_bytes(raw).verify_with_results() == [True] * raw[0]


@pytest.mark.parametrize("name", RUNS)
def test_rows_in_every_encoding(fixtures, configured, name):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(FOLDER))
    by_encoding = {}
    for encoding, result in encoded(name).items():
        line = {"signature": None, "response": json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})}
        rows = rows_of(ctx, "transactions", json.dumps(line).encode())
        assert [row.pop("encoding") for row in rows["solana_transactions"]] == [encoding]
        by_encoding[encoding] = rows
    assert by_encoding["json"]["solana_events"]
    assert by_encoding["json"] == by_encoding["jsonParsed"] == by_encoding["base64"]
