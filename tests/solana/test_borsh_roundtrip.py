"""IDLs and values that hypothesis makes up, encoded by the tests' own encoder, come back exactly, in both IDL specs.

150 cases in `make test`, 2,000 in `make campaign`, the same ones every time.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
from borsh_encoder import value_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from idl_cases import FORMS, Definition, Type, field_name, forms_of, types, written, written_definition

from ingestion.solana.anchor.events import Decoded, Undecodable, decode_payload
from ingestion.solana.anchor.idl import IdlError, parse_idl

CASES = 2000 if "CAMPAIGN" in os.environ else 150
SPECS = ["legacy", "0.1.0"]
EXAMPLES = settings(
    max_examples=CASES // len(SPECS),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(EXAMPLES, max_examples=CASES // 6)
DISCRIMINATOR = hashlib.sha256(b"event:Made").digest()[:8]


@st.composite
def events(draw) -> tuple[list[Definition], list[Type], bytes, dict[str, Any]]:
    """Definitions, the event's fields, and one value: its bytes and what is shown of it."""
    definitions: list[Definition] = []
    fields = draw(st.lists(types(definitions, draw(st.integers(0, 3))), min_size=1, max_size=5))
    values = [value_of(draw, item, None) for item in fields]
    shown = {f"the_field{at}": value for at, (_, value) in enumerate(values)}
    return definitions, fields, b"".join(raw for raw, _ in values), shown


def idl_document(definitions: list[Definition], fields: list[Type], spec: str) -> dict[str, Any]:
    own = [{"name": field_name(f"the_field{at}", spec), "type": written(item, spec)} for at, item in enumerate(fields)]
    held = [written_definition(definition, spec) for definition in definitions]
    if spec == "legacy":
        event = {"name": "Made", "fields": own}
        return {"version": "0.1.0", "name": "made", "instructions": [], "types": held, "events": [event]}
    return {
        "address": "Made111111111111111111111111111111111111111",
        "metadata": {"name": "made", "version": "0.1.0", "spec": spec},
        "instructions": [],
        "events": [{"name": "Made", "discriminator": list(DISCRIMINATOR)}],
        "types": [*held, {"name": "Made", "type": {"kind": "struct", "fields": own}}],
    }


@pytest.mark.parametrize("spec", SPECS)
def test_every_value_comes_back(spec):
    """The value; with k bytes more, those k bytes trailing; and cut anywhere, a reason and never an exception."""
    seen: set[str] = set()

    @EXAMPLES
    @given(made=events(), trailing=st.binary(max_size=40), at=st.floats(0, 1, exclude_max=True))
    def check(made, trailing, at):
        definitions, fields, raw, shown = made
        seen.update(*(forms_of(item) for item in fields))
        idl = parse_idl(json.dumps(idl_document(definitions, fields, spec)))
        payload = DISCRIMINATOR + raw
        assert decode_payload([idl], payload + trailing) == Decoded("Made", shown, trailing, idl)
        json.dumps(shown, allow_nan=False)  # what is printed is JSON

        cut = payload[: int(at * len(payload))]
        short = decode_payload([idl], cut)
        assert isinstance(short, Undecodable)
        assert short.code == ("no_discriminator" if len(cut) < 8 else "payload_too_short")

    check()
    assert seen == FORMS


@pytest.mark.parametrize("spec", SPECS)
@FEWER
@given(made=events(), body=st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_reason(spec, made, body):
    definitions, fields, _, _ = made
    idl = parse_idl(json.dumps(idl_document(definitions, fields, spec)))
    result = decode_payload([idl], DISCRIMINATOR + body)
    if isinstance(result, Decoded):
        assert body.endswith(result.trailing)
        json.dumps(result.data, allow_nan=False)
    else:
        assert result.code in ("payload_too_short", "payload_invalid")


@pytest.mark.parametrize("spec", SPECS)
@FEWER
@given(data=st.data(), made=events())
def test_a_broken_idl_is_refused_with_a_reason(spec, data, made):
    """One value anywhere in the document replaced by another: it is an IDL still, or the reason is one line."""
    definitions, fields, _, _ = made
    document = idl_document(definitions, fields, spec)
    places = [(holder, key) for holder in containers(document) for key in keys(holder)]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(st.sampled_from([None, 7, -1, "", "x", [], {}, ["u8"], {"vec": "x"}, {"defined": 1}, True]))
    reason = "sound"
    try:
        parse_idl(json.dumps(document))
    except IdlError as error:
        reason = str(error)
    assert reason
    assert "\n" not in reason


def containers(value: Any) -> list[Any]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for item in inner for found in containers(item))] if isinstance(value, dict | list) else []


def keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))
