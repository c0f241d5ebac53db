"""Random values of a random type, their Borsh bytes, and how the decoder must show them. Shares nothing with it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from typing import Any

import base58
from hypothesis import strategies as st
from idl_cases import Bound, Type, bound_of, length_of


def value_of(draw: Callable[..., Any], item: Type, bound: Bound | None) -> tuple[bytes, Any]:
    """A value's bytes and its shown form."""
    form = item.form
    if form == "param":
        assert bound is not None
        return value_of(draw, bound.type, bound.within)
    if form == "defined":
        return _defined(draw, item, bound_of(item, bound))
    if not item.parts:
        return _scalar(draw, form)
    one = [lambda part=part: value_of(draw, part, bound) for part in item.parts]
    match form:
        case "option":
            return _joined(b"\1", one[0]()) if draw(st.booleans()) else (b"\0", None)
        case "coption":
            raw, shown = one[0]()
            return (b"\1\0\0\0" + raw, shown) if draw(st.booleans()) else (bytes(4 + len(raw)), None)
        case "array":
            return _listed(b"", [one[0]() for _ in range(length_of(item, bound))])
        case "tuple":
            return _listed(b"", [one[0](), one[1]()])
    count = draw(st.integers(0, 3))
    if form == "bTreeMap":
        pairs = [_listed(b"", [one[0](), one[1]()]) for _ in range(count)]
        return _listed(_u32(count), pairs)
    return _listed(_u32(count), [one[0]() for _ in range(count)])


def _defined(draw: Callable[..., Any], use: Type, bound: Bound | None) -> tuple[bytes, Any]:
    definition = use.definition
    assert definition is not None
    if definition.kind == "alias":
        return value_of(draw, definition.members[0][1], bound)
    if definition.kind == "enum":
        tag = draw(st.integers(0, len(definition.variants) - 1))
        name, has_names, held = definition.variants[tag]
        raw, shown = _members(draw, held, bound, has_names)
        return bytes([tag]) + raw, {name: shown}
    return _members(draw, definition.members, bound, definition.kind == "struct")


def _members(
    draw: Callable[..., Any], members: Iterable[tuple[str, Type]], bound: Bound | None, has_names: bool
) -> tuple[bytes, dict[str, Any]]:
    raw, shown = b"", {}
    for at, (name, item) in enumerate(members):
        more, value = value_of(draw, item, bound)
        raw += more
        shown[name if has_names else str(at)] = value
    return raw, shown


def _scalar(draw: Callable[..., Any], form: str) -> tuple[bytes, Any]:
    match form:
        case "bool":
            flag = draw(st.booleans())
            return (b"\1" if flag else b"\0"), flag
        case "string":
            text = draw(st.text(max_size=12))
            return _u32(len(text.encode())) + text.encode(), text
        case "bytes":
            data = draw(st.binary(max_size=12))
            return _u32(len(data)) + data, [*data]
        case "pubkey":
            key = draw(st.binary(min_size=32, max_size=32))
            return key, base58.b58encode(key).decode()
        case "f32" | "f64":
            number = draw(st.floats(width=int(form[1:])))
            raw = struct.pack("<f" if form == "f32" else "<d", number)
            return raw, number if math.isfinite(number) else str(number).replace("nan", "NaN").replace(
                "inf", "Infinity"
            )
    bits, signed = int(form[1:]), form[0] == "i"
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    whole = draw(st.one_of(st.sampled_from([low, high, 0, 1]), st.integers(low, high)))
    return whole.to_bytes(bits // 8, "little", signed=signed), whole if bits < 64 else str(whole)


def _joined(head: bytes, value: tuple[bytes, Any]) -> tuple[bytes, Any]:
    return head + value[0], value[1]


def _listed(head: bytes, values: list[tuple[bytes, Any]]) -> tuple[bytes, list[Any]]:
    return head + b"".join(raw for raw, _ in values), [shown for _, shown in values]


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
