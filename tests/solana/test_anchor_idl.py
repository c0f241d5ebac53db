"""IDLs: what is refused and why, repeated names, versions of a program, and the types that vectors don't reach."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import base58
import pytest
from chain_builder import idl, key, made

from ingestion.solana.anchor.events import Decoded, Undecodable, decode_payload
from ingestion.solana.anchor.idl import IdlError, IdlRegistry, parse_idl
from ingestion.solana.anchor.names import snake

DISCRIMINATOR = made(0)[:8]


def legacy(fields: list[tuple[str, Any]], types: list[dict[str, Any]] | None = None) -> bytes:
    event = {"name": "Made", "fields": [{"name": name, "type": kind} for name, kind in fields]}
    return idl(events=[event], types=types or [])


def read(content: bytes, body: bytes) -> Any:
    result = decode_payload([parse_idl(content)], DISCRIMINATOR + body)
    return result.data if isinstance(result, Decoded) else result


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "the top level is no object"),
        (b'{"kind": "rootNode", "program": {}}', "Codama IDL"),
        (b'{"name": "x"}', "no list of instructions"),
        (b'{"instructions": []}', "it has no name"),
        (b'{"name": "x", "instructions": [], "metadata": {"spec": "9.9.9"}}', "unknown IDL spec '9.9.9'"),
        (legacy([("a", "u65")]), "event Made.a: unknown type 'u65'"),
        (legacy([("a", {"defined": "Gone"})]), "event Made.a: type 'Gone' is not defined"),
        (legacy([("a", {"vec": {"hologram": "u8"}})]), "event Made.a: unknown type 'hologram'"),
        (legacy([("a", {"array": ["u8", "many"]})]), "event Made.a: array length 'many' is no number"),
        (legacy([("a", {"generic": "T"})]), "event Made.a: generic 'T' has no type"),
        (legacy([("a", {"defined": "T"})], [{"name": "T", "type": {"kind": "union"}}]), "unknown kind 'union'"),
        (legacy([("a", {"defined": "T"})], [{"name": "T", "type": {}}]), "unknown kind None"),
        (idl(events=[{"name": "Made"}]), "event Made: neither fields nor a type of that name"),
        (idl(events=[{"fields": []}]), "missing key 'name'"),
        (idl(events=[{"name": "Made", "discriminator": "abc", "fields": []}]), "discriminator is no list of bytes"),
    ],
)
def test_refused_with_the_reason(content, reason):
    with pytest.raises(IdlError) as caught:
        parse_idl(content)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_same_discriminator_and_two_definitions_the_one_that_fits_is_read():
    one = {"name": "Made", "fields": [{"name": "value", "type": "u64"}]}
    two = {"name": "Made", "fields": [{"name": "value", "type": "u64"}, {"name": "note", "type": "string"}]}
    for events in ([one, two], [two, one], [one, one, two]):
        content = idl(events=events)
        assert read(content, b"\1" + bytes(7)) == {"value": "1"}
        assert read(content, b"\1" + bytes(7) + b"\2\0\0\0hi") == {"value": "1", "note": "hi"}


def test_two_readings_of_the_same_bytes_are_no_event():
    one = {"name": "Made", "fields": [{"name": "value", "type": "u64"}]}
    two = {"name": "Made", "fields": [{"name": "other", "type": "i64"}]}
    assert read(idl(events=[one, two]), bytes(8)) == Undecodable(
        "ambiguous_event", "2 definitions of Made read the payload differently"
    )


def test_an_event_name_of_two_modules():
    types = [
        {"name": "a::Made", "type": {"kind": "struct", "fields": [{"name": "value", "type": "u64"}]}},
        {"name": "b::Made", "type": {"kind": "struct", "fields": [{"name": "flag", "type": "bool"}]}},
    ]
    content = idl(events=[{"name": "Made", "discriminator": list(DISCRIMINATOR)}], types=types)
    assert read(content, bytes(8)) == {"value": "0"}
    assert read(content, b"\1") == {"flag": True}


def test_versions_of_a_program_by_slot():
    old, new = parse_idl(idl()), parse_idl(idl(events=[{"name": "Other", "fields": []}]))
    registry = IdlRegistry()
    registry.add(old, to_slot=100)
    registry.add(new, from_slot=100)
    assert registry.lookup(key(2), 99) == (old,)
    assert registry.lookup(key(2), 100) == (new,)
    assert registry.lookup(key(2), None) == (old, new)
    assert registry.lookup(key(3), 99) == ()


def test_history_of_a_recorded_program(fixtures):
    """Of several versions without slot ranges, the one that uses up the payload is taken."""
    folder = fixtures / "solana"
    versions = [parse_idl(path.read_bytes()) for path in sorted((folder / "idl_history").glob("*.json"))]
    newest = parse_idl((folder / "idl" / "chainstack_pump_fun_idl.json").read_bytes())
    vectors = [json.loads(line) for line in (folder / "event_vectors.jsonl").read_text().splitlines()]
    trades = [v for v in vectors if v["event"] == "TradeEvent"]
    assert len(trades) == 4
    for trade in trades:
        payload = base64.b64decode(trade["data_b64"])
        result = decode_payload([*versions, newest], payload)
        assert isinstance(result, Decoded)
        assert (result.idl, result.trailing) == (newest, b"")
        oldest = decode_payload([versions[0]], payload)
        assert isinstance(oldest, Decoded)
        assert payload.endswith(oldest.trailing)
        assert len(oldest.trailing) > 0
        first_fields = payload[: len(payload) - len(oldest.trailing)]
        short = decode_payload([newest], first_fields)
        assert isinstance(short, Undecodable)
        assert short.code == "payload_too_short"


def test_recursive_type():
    node = {
        "name": "Node",
        "type": {
            "kind": "struct",
            "fields": [{"name": "v", "type": "u8"}, {"name": "next", "type": {"vec": {"defined": "Node"}}}],
        },
    }
    content = legacy([("root", {"defined": "Node"})], [node])
    body = b"\1" + struct.pack("<I", 2) + (b"\2" + bytes(4)) + (b"\3" + struct.pack("<I", 1) + b"\4" + bytes(4))
    assert read(content, body) == {
        "root": {"v": 1, "next": [{"v": 2, "next": []}, {"v": 3, "next": [{"v": 4, "next": []}]}]}
    }
    deep = (b"\1" + struct.pack("<I", 1)) * 5000 + b"\1" + bytes(4)
    assert read(content, deep) == Undecodable("payload_invalid", "Made: nested too deep")


def test_type_that_holds_itself_never_ends():
    loop = {"name": "Loop", "type": {"kind": "struct", "fields": [{"name": "again", "type": {"defined": "Loop"}}]}}
    assert read(legacy([("root", {"defined": "Loop"})], [loop]), bytes(8)) == Undecodable(
        "payload_invalid", "Made: nested too deep"
    )


def test_deeply_nested_loops():
    kind: Any = "u8"
    for _ in range(30):
        kind = {"vec": kind}
    shown: Any = [7]
    for _ in range(29):
        shown = [shown]
    assert read(legacy([("a", kind)]), struct.pack("<I", 1) * 30 + b"\7") == {"a": shown}


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("bool", b"\2", "bool is 2, neither 0 nor 1"),
        ({"option": "u8"}, b"\2\1", "option has no tag 2"),
        ({"coption": "u8"}, b"\2\0\0\0\1", "option has no tag 2"),
        ({"defined": "E"}, b"\3", "E has no tag 3"),
        ("string", b"\2\0\0\0\xff\xfe", "text is not UTF-8 (invalid start byte)"),
    ],
)
def test_bytes_that_are_no_value(kind, body, reason):
    types = [{"name": "E", "type": {"kind": "enum", "variants": [{"name": "A"}]}}]
    assert read(legacy([("a", kind)], types), body) == Undecodable("payload_invalid", f"Made: {reason}")


@pytest.mark.parametrize(
    "kind", ["string", "bytes", {"vec": "u64"}, {"vec": {"defined": "Nothing"}}, {"hashMap": ["string", "u8"]}]
)
def test_a_length_beyond_the_payload_is_refused_at_once(kind):
    types = [{"name": "Nothing", "type": {"kind": "struct", "fields": []}}]
    result = read(legacy([("a", kind)], types), b"\xff\xff\xff\xff" + bytes(20))
    assert isinstance(result, Undecodable)
    assert result.code == "payload_too_short"


@pytest.mark.parametrize(
    ("value", "shown"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity"), (-0.5, -0.5)]
)
def test_floats(value, shown):
    assert read(legacy([("a", "f64"), ("b", "f32")]), struct.pack("<df", value, value)) == {"a": shown, "b": shown}


def test_maps_sets_and_short_lengths():
    body = struct.pack("<I", 1) + struct.pack("<I", 1) + b"k" + b"\5" + struct.pack("<I", 2) + b"\1\2"
    assert read(legacy([("m", {"hashMap": ["string", "u8"]}), ("s", {"bTreeSet": "u8"})]), body) == {
        "m": [["k", 5]],
        "s": [1, 2],
    }
    for serialization, length in (("borshu8", b"\2"), ("borshu16", b"\2\0")):
        types = [
            {
                "name": "S",
                "serialization": serialization,
                "type": {"kind": "struct", "fields": [{"name": "v", "type": {"vec": "u16"}}]},
            }
        ]
        assert read(legacy([("a", {"defined": "S"})], types), length + b"\1\0\2\0") == {"a": {"v": [1, 2]}}


def test_legacy_generics():
    types = [
        {
            "name": "G",
            "generics": ["T", "N"],
            "type": {"kind": "struct", "fields": [{"name": "v", "type": {"genericLenArray": [{"generic": "T"}, "N"]}}]},
        }
    ]
    kind = {"definedWithTypeArgs": {"name": "G", "args": [{"type": "u16"}, {"value": "2"}]}}
    assert read(legacy([("a", kind)], types), b"\1\0\2\0") == {"a": {"v": [1, 2]}}


def test_recorded_generic_types(fixtures):
    """The account type of Anchor's own generics test, GenericType<u32, u64, 10>, read as an event."""
    document = json.loads((fixtures / "solana" / "idl" / "anchor_generics.json").read_bytes())
    document["events"] = [{"name": "GenericAccount", "discriminator": list(DISCRIMINATOR)}]
    u32, u64 = struct.Struct("<I").pack, struct.Struct("<Q").pack
    body = b"".join(
        [
            u32(1), u64(2),  # gen1, gen2
            u32(3), u64(4),  # gen3: GenericNested<u32, U>
            u32(5), b"\6",  # gen4: GenericNested<T, MyStruct>
            u32(7), u64(8),  # gen5
            u32(9), u64(10),  # gen6
            u32(11), u32(12), u64(13),  # gen7: GenericNested<T, GenericNested<T, U>>
            bytes(range(10)),  # arr: [u8; N]
            b"\x0e", b"\x0f",  # warr: WrappedU8Array<N>, warrval: WrappedU8Array<10>
            b"\3", *[u32(n) for n in range(10)],  # enm1: GenericEnum<T, U, N>::Arr
            b"\0", u32(16), u64(17), u32(18),  # enm2: GenericEnum<GenericNested<T, u64>, u32, 30>::Unnamed
        ]
    )  # fmt: skip
    idl_ = parse_idl(json.dumps(document))
    assert decode_payload([idl_], DISCRIMINATOR + body) == Decoded(
        "GenericAccount",
        {
            "data": {
                "gen1": 1,
                "gen2": "2",
                "gen3": {"gen1": 3, "gen2": "4"},
                "gen4": {"gen1": 5, "gen2": {"some_field": 6}},
                "gen5": {"gen1": 7, "gen2": "8"},
                "gen6": {"gen1": 9, "gen2": "10"},
                "gen7": {"gen1": 11, "gen2": {"gen1": 12, "gen2": "13"}},
                "arr": list(range(10)),
                "warr": {"0": 14},
                "warrval": {"0": 15},
                "enm1": {"Arr": {"0": list(range(10))}},
                "enm2": {"Unnamed": {"0": {"gen1": 16, "gen2": "17"}, "1": 18}},
            }
        },
        b"",
        idl_,
    )


def test_instruction_of_nested_accounts():
    accounts = [{"name": "group", "accounts": [{"name": "deepOne"}, {"name": "deepTwo"}]}, {"name": "lastOne"}]
    parsed = parse_idl(idl(instructions=[{"name": "go", "discriminator": [1, 2, 3], "accounts": accounts, "args": []}]))
    found = parsed.instruction(b"\1\2\3\4")
    assert found is not None
    assert (found.name, found.accounts) == ("go", ("deep_one", "deep_two", "last_one"))
    assert parsed.instruction(b"\1\2") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tokenXFeeAmount", "token_x_fee_amount"),
        ("openOrdersAccount", "open_orders_account"),
        ("sqrtPriceX64", "sqrt_price_x64"),
        ("mintURI", "mint_uri"),
        ("already_snake_1", "already_snake_1"),
        ("_padding", "_padding"),
        ("_paddingTwo", "_padding_two"),
        ("A", "a"),
        ("u8Value", "u8_value"),
    ],
)
def test_snake_case(name, expected):
    assert snake(name) == expected


def test_pubkeys_print_as_the_reference_library_does():
    raw = bytes(32), bytes([255]) * 32, bytes(31) + b"\1"
    assert read(legacy([("a", {"array": ["publicKey", 3]})]), b"".join(raw)) == {
        "a": [base58.b58encode(item).decode() for item in raw]
    }
