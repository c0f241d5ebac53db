"""Every recorded vector of the official coder, and every event it reads in the recorded transactions, exactly."""

from __future__ import annotations

import base64
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from ingestion.solana.anchor.emission import extract
from ingestion.solana.anchor.events import Decoded, decode_payload
from ingestion.solana.anchor.idl import Idl, IdlRegistry, parse_idl
from ingestion.solana.transaction import view_of

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "solana"
OPENBOOK, PUMP = "drift_openbook_v2.json", "chainstack_pump_fun_idl.json"


def snake_keys(value: Any) -> Any:
    """The official coder prints fields as the IDL writes them; variants keep their capital."""
    if isinstance(value, list):
        return [snake_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key if key[0].isupper() else _snake(key): snake_keys(item) for key, item in value.items()}


def _snake(name: str) -> str:
    out = ""
    for char in name:
        out += f"_{char.lower()}" if char.isupper() else char
    return out


@lru_cache(maxsize=32)
def idl_of(name: str) -> Idl:
    return parse_idl((FOLDER / "idl" / name).read_bytes())


def vectors() -> list[Any]:
    path = FOLDER / "event_vectors.jsonl"
    if not path.is_file():
        return [pytest.param(None, id="event_vectors.jsonl", marks=pytest.mark.skip("recorded data is absent"))]
    lines = path.read_text(encoding="utf-8").splitlines()
    parsed = [json.loads(line) for line in lines]
    return [pytest.param(item, id=f"{at}-{item['idl']}-{item['event']}") for at, item in enumerate(parsed)]


@pytest.mark.parametrize("vector", vectors())
def test_vector(vector):
    payload = base64.b64decode(vector["data_b64"])
    idl = idl_of(vector["idl"])
    assert decode_payload([idl], payload) == Decoded(vector["event"], snake_keys(vector["decoded"]), b"", idl)


def test_all_vectors_are_there(fixtures):
    assert len(vectors()) == 356


def recordings() -> list[Any]:
    if not FOLDER.is_dir():
        return [pytest.param(None, id="program_runs", marks=pytest.mark.skip("recorded data is absent"))]
    paths = [*sorted((FOLDER / "program_runs").glob("*.json")), *sorted((FOLDER / "tx").glob("*.json"))]
    return [pytest.param(path, id=path.name) for path in paths]


@pytest.mark.parametrize("path", recordings())
@pytest.mark.parametrize("openbook_address", ["given", "found"])
def test_recorded_transaction(path, openbook_address):
    """The same events in every encoding, whether the legacy IDL's program is named or has to be found."""
    registry = IdlRegistry()
    program = "opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb" if openbook_address == "given" else None
    registry.add(idl_of(OPENBOOK), program_id=program)
    registry.add(idl_of(PUMP))
    view = view_of(json.loads(path.read_bytes())["result"])
    found = extract(view, registry)

    expected = json.loads((FOLDER / "expected_events.json").read_bytes())
    twin = path.name.replace(".base64.json", ".json.json").replace("_base64_", "_json_")
    wanted = [
        (
            item["source"],
            item["program"],
            item["name"],
            item["data_b64"],
            json.dumps(snake_keys(item["data"]), sort_keys=True),
        )
        for item in expected
        if item["fixture"] == twin
    ]
    got = [
        (e.channel, e.program_id, e.name, base64.b64encode(e.payload).decode(), json.dumps(e.data, sort_keys=True))
        for e in found.events
    ]
    assert Counter(got) == Counter(wanted)
    assert [finding.code for finding in found.findings] == ["log_truncated"] * view.log_truncated
    assert {event.trailing for event in found.events} <= {b""}


def statuses(name: str, idl: str, program: str | None = None) -> list[tuple[str, str, str, str | None]]:
    registry = IdlRegistry()
    registry.add(idl_of(idl), program_id=program)
    found = extract(view_of(json.loads((FOLDER / name).read_bytes())["result"]), registry)
    return [(event.name, event.channel, event.status, event.duplicate_of) for event in found.events]


def test_status_of_recorded_events(fixtures):
    assert statuses("tx/pump_buy_jsonparsed.json", PUMP) == [
        ("TradeEvent", "log", "counted", None),
        ("TradeEvent", "cpi", "duplicate", "15.0"),
    ]
    assert statuses("program_runs/openbookv2_13_FAILED_after_event.base64.json", OPENBOOK) == [
        ("DepositLog", "log", "reverted", None)
    ]
    created = statuses("tx/pump_create_jsonparsed.json", PUMP)
    assert Counter((channel, status) for _, channel, status, _ in created) == {
        ("log", "counted"): 3,
        ("cpi", "duplicate"): 3,
    }


def test_truncated_recording_keeps_what_the_log_has(fixtures):
    view = view_of(
        json.loads((FOLDER / "program_runs/openbookv2_15_LOG_TRUNCATED_40_set_delegate.json.json").read_bytes())[
            "result"
        ]
    )
    assert view.log_truncated
    assert len(statuses("program_runs/openbookv2_15_LOG_TRUNCATED_40_set_delegate.json.json", OPENBOOK)) == 29
