"""How many bytes values of a type take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingestion.solana.anchor.types import (
    PRIMITIVE_SIZES,
    Array,
    Enum,
    Map,
    Node,
    Option,
    Primitive,
    Ref,
    Struct,
    Text,
    Tuple,
    Vec,
)


def least_size(node: Node, named: Mapping[tuple[Any, ...], Node], within: frozenset[Any] = frozenset()) -> int:
    """Fewest bytes a value of this type can take."""
    match node:
        case Primitive(name):
            return PRIMITIVE_SIZES[name]
        case Text() | Map():
            return 4
        case Vec(prefix=prefix):
            return prefix
        case Option(item, padded):
            return 4 + (fixed_size(item) or 0) if padded else 1
        case Array(item, length):
            return length * least_size(item, named, within)
        case Tuple(items):
            return sum(least_size(item, named, within) for item in items)
        case Struct(fields):
            return sum(least_size(item, named, within) for _, item in fields)
        case Enum(variants=variants):
            return 1 + min((least_size(fields, named, within) for _, fields in variants), default=0)
        case Ref(key):
            return 0 if key in within else least_size(named[key], named, within | {key})
    raise TypeError(node)


def fixed_size(node: Node) -> int | None:
    """Bytes of every value of this type, or None when values differ in size."""
    match node:
        case Primitive(name):
            return PRIMITIVE_SIZES[name]
        case Array(item, length):
            return None if (size := fixed_size(item)) is None else size * length
        case Tuple(items):
            return _total(items)
        case Struct(fields):
            return _total([item for _, item in fields])
        case Option(item, True):
            return None if (size := fixed_size(item)) is None else 4 + size
        case Enum(variants=variants):
            sizes = {fixed_size(fields) for _, fields in variants}
            return 1 + sizes.pop() if len(sizes) == 1 and None not in sizes else None
    return None


def _total(items: Sequence[Node]) -> int | None:
    sizes = [fixed_size(item) for item in items]
    return None if None in sizes else sum(sizes)
