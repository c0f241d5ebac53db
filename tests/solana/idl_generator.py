"""Random IDL types with values, their Borsh bytes and what the decoder must print: written apart from the decoder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import base58
from hypothesis import strategies as st


@dataclass(frozen=True)
class Sample:
    """One type with one value: the type in each spec, the value's bytes and its printed form."""

    legacy: Any
    new: Any
    raw: bytes
    shown: Any


def _integer(draw: Callable[..., Any], bits: int, signed: bool) -> tuple[int, bytes]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    value = draw(st.one_of(st.sampled_from([low, high, 0, 1]), st.integers(low, high)))
    return value, value.to_bytes(bits // 8, "little", signed=signed)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


@st.composite
def scalars(draw: Callable[..., Any]) -> Sample:
    kind = draw(st.sampled_from(["int", "float", "bool", "string", "bytes", "pubkey"]))
    if kind == "int":
        bits, signed = draw(st.sampled_from([8, 16, 32, 64, 128, 256])), draw(st.booleans())
        value, raw = _integer(draw, bits, signed)
        name = f"{'i' if signed else 'u'}{bits}"
        return Sample(name, name, raw, value if bits < 64 else str(value))
    if kind == "float":
        width = draw(st.sampled_from([32, 64]))
        value = draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
        return Sample(f"f{width}", f"f{width}", struct.pack("<f" if width == 32 else "<d", value), value)
    if kind == "bool":
        flag = draw(st.booleans())
        return Sample("bool", "bool", b"\1" if flag else b"\0", flag)
    if kind == "string":
        text = draw(st.text(max_size=12))
        return Sample("string", "string", _u32(len(text.encode())) + text.encode(), text)
    if kind == "bytes":
        data = draw(st.binary(max_size=12))
        return Sample("bytes", "bytes", _u32(len(data)) + data, [*data])
    key = draw(st.binary(min_size=32, max_size=32))
    return Sample("publicKey", "pubkey", key, base58.b58encode(key).decode())


@dataclass
class Definitions:
    """The `types` of the IDL under construction, in both specs."""

    legacy: list[dict[str, Any]]
    new: list[dict[str, Any]]

    def add(self, legacy: Any, new: Any, generics: list[dict[str, Any]] | None = None) -> str:
        name = f"Type{len(self.new)}"
        self.legacy.append({"name": name, "type": legacy})
        self.new.append({"name": name, "type": new} | ({"generics": generics} if generics else {}))
        return name


@st.composite
def samples(draw: Callable[..., Any], types: Definitions, depth: int = 3) -> Sample:
    forms = [
        "scalar",
        "option",
        "coption",
        "vec",
        "array",
        "struct",
        "tuple_struct",
        "enum",
        "alias",
        "tuple",
        "generic",
    ]
    form = draw(st.sampled_from(forms if depth else ["scalar"]))
    if form == "scalar":
        return draw(scalars())
    inner = draw(samples(types, depth - 1))
    match form:
        case "option":
            some = draw(st.booleans())
            raw, shown = (b"\1" + inner.raw, inner.shown) if some else (b"\0", None)
            return Sample({"option": inner.legacy}, {"option": inner.new}, raw, shown)
        case "coption":
            item = draw(scalars().filter(lambda item: item.new not in ("string", "bytes")))
            some = draw(st.booleans())
            raw = _u32(1) + item.raw if some else _u32(0) + bytes(len(item.raw))
            return Sample({"coption": item.legacy}, {"coption": item.new}, raw, item.shown if some else None)
        case "vec":
            size = draw(st.integers(0, 3))
            return Sample(
                {"vec": inner.legacy}, {"vec": inner.new}, _u32(size) + inner.raw * size, [inner.shown] * size
            )
        case "array":
            size = draw(st.integers(0, 20))
            return Sample(
                {"array": [inner.legacy, size]}, {"array": [inner.new, size]}, inner.raw * size, [inner.shown] * size
            )
        case "tuple":
            other = draw(scalars())
            return Sample(
                {"tuple": [inner.legacy, other.legacy]},
                {"tuple": [inner.new, other.new]},
                inner.raw + other.raw,
                [inner.shown, other.shown],
            )
        case "alias":
            name = types.add({"kind": "alias", "value": inner.legacy}, {"kind": "type", "alias": inner.new})
            return Sample({"defined": name}, {"defined": {"name": name}}, inner.raw, inner.shown)
        case "generic":
            return _generic(draw, types, inner)
        case "enum":
            return _enum(draw, types, inner)
    return _struct(draw, types, inner, form == "tuple_struct")


def _struct(draw: Callable[..., Any], types: Definitions, inner: Sample, is_tuple: bool) -> Sample:
    members = [inner, *draw(st.lists(scalars(), max_size=3))]
    raw = b"".join(member.raw for member in members)
    if is_tuple:
        name = types.add(
            {"kind": "struct", "fields": [member.legacy for member in members]},
            {"kind": "struct", "fields": [member.new for member in members]},
        )
        shown = {str(at): member.shown for at, member in enumerate(members)}
    else:
        name = types.add(
            {
                "kind": "struct",
                "fields": [{"name": f"someField{at}", "type": m.legacy} for at, m in enumerate(members)],
            },
            {"kind": "struct", "fields": [{"name": f"some_field{at}", "type": m.new} for at, m in enumerate(members)]},
        )
        shown = {f"some_field{at}": member.shown for at, member in enumerate(members)}
    return Sample({"defined": name}, {"defined": {"name": name}}, raw, shown)


def _enum(draw: Callable[..., Any], types: Definitions, inner: Sample) -> Sample:
    at = draw(st.integers(0, 2))
    variants = [
        ({"name": "Unit"}, {"name": "Unit"}, b"", {}),
        (
            {"name": "Named", "fields": [{"name": "innerValue", "type": inner.legacy}]},
            {"name": "Named", "fields": [{"name": "inner_value", "type": inner.new}]},
            inner.raw,
            {"inner_value": inner.shown},
        ),
        (
            {"name": "Bare", "fields": [inner.legacy]},
            {"name": "Bare", "fields": [inner.new]},
            inner.raw,
            {"0": inner.shown},
        ),
    ]
    name = types.add(
        {"kind": "enum", "variants": [variant[0] for variant in variants]},
        {"kind": "enum", "variants": [variant[1] for variant in variants]},
    )
    return Sample(
        {"defined": name},
        {"defined": {"name": name}},
        bytes([at]) + variants[at][2],
        {variants[at][1]["name"]: variants[at][3]},
    )


def _generic(draw: Callable[..., Any], types: Definitions, inner: Sample) -> Sample:
    """struct Type<T, const N> {one: T, many: [T; N]}; the legacy spec gets the written-out form."""
    size = draw(st.integers(0, 3))
    field = {"generic": "T"}
    name = types.add(
        {
            "kind": "struct",
            "fields": [
                {"name": "one", "type": inner.legacy},
                {"name": "many", "type": {"array": [inner.legacy, size]}},
            ],
        },
        {
            "kind": "struct",
            "fields": [{"name": "one", "type": field}, {"name": "many", "type": {"array": [field, {"generic": "N"}]}}],
        },
        [{"kind": "type", "name": "T"}, {"kind": "const", "name": "N", "type": "usize"}],
    )
    arguments = [{"kind": "type", "type": inner.new}, {"kind": "const", "value": str(size)}]
    return Sample(
        {"defined": name},
        {"defined": {"name": name, "generics": arguments}},
        inner.raw * (1 + size),
        {"one": inner.shown, "many": [inner.shown] * size},
    )
