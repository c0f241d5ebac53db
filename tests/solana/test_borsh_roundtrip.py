"""IDLs and values that hypothesis makes up, encoded by another encoder, come back exactly, in both IDL specs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from idl_generator import Definitions, Sample, samples

from ingestion.solana.anchor.events import Decoded, Undecodable, decode_payload
from ingestion.solana.anchor.idl import parse_idl

DISCRIMINATOR = hashlib.sha256(b"event:Made").digest()[:8]


@st.composite
def events(draw) -> tuple[Definitions, list[Sample]]:
    types = Definitions([], [])
    return types, draw(st.lists(samples(types), min_size=1, max_size=4))


def idl_json(types: Definitions, fields: list[Sample], spec: str) -> bytes:
    if spec == "legacy":
        written: dict[str, Any] = {"version": "0.1.0", "name": "made", "instructions": [], "types": types.legacy}
        written["events"] = [
            {
                "name": "Made",
                "fields": [{"name": f"theField{at}", "type": f.legacy, "index": False} for at, f in enumerate(fields)],
            }
        ]
        return json.dumps(written).encode()
    own = {
        "name": "Made",
        "type": {
            "kind": "struct",
            "fields": [{"name": f"the_field{at}", "type": f.new} for at, f in enumerate(fields)],
        },
    }
    return json.dumps(
        {
            "address": "Made111111111111111111111111111111111111111",
            "metadata": {"name": "made", "version": "0.1.0", "spec": "0.1.0"},
            "instructions": [],
            "events": [{"name": "Made", "discriminator": list(DISCRIMINATOR)}],
            "types": [*types.new, own],
        }
    ).encode()


@pytest.mark.parametrize("spec", ["legacy", "0.1.0"])
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(made=events(), trailing=st.binary(max_size=5), cut=st.integers(1, 6))
def test_every_value_comes_back(spec, made, trailing, cut):
    types, fields = made
    idl = parse_idl(idl_json(types, fields, spec))
    payload = DISCRIMINATOR + b"".join(field.raw for field in fields)
    shown = {f"the_field{at}": field.shown for at, field in enumerate(fields)}

    assert decode_payload([idl], payload + trailing) == Decoded("Made", shown, trailing, idl)
    json.dumps(shown, allow_nan=False)  # what is printed is JSON

    if len(payload) - cut >= 8:
        short = decode_payload([idl], payload[:-cut])
        assert isinstance(short, Undecodable)
        assert short.code == "payload_too_short"
