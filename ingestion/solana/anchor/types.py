"""Types of an Anchor IDL (legacy and 0.30+) resolved to one small set of nodes: no names, generics or aliases left.

A node describes bytes: how many, and what value they print. `Resolver.resolve` raises IdlError with the path of the
type that is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.solana.anchor.names import last_segment, snake

PRIMITIVE_SIZES = {
    "bool": 1, "u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "u64": 8, "i64": 8,
    "u128": 16, "i128": 16, "u256": 32, "i256": 32, "f32": 4, "f64": 8, "pubkey": 32,
}  # fmt: skip
_ALIASES = {"publicKey": "pubkey"}
_PREFIXES = {"borshu8": 1, "borshu16": 2}


class IdlError(ValueError):
    """The IDL can't be used; the message says why."""


@dataclass(frozen=True)
class Primitive:
    """Fixed-size scalar, named as in IDL 0.30+."""

    name: str


@dataclass(frozen=True)
class Text:
    """u32 length, then UTF-8 (string) or any bytes."""

    is_string: bool


@dataclass(frozen=True)
class Option:
    """One tag byte, then the value if the tag is 1.

    `padded` is COption as token accounts pack it: 4 tag bytes, and a value of fixed size takes its bytes also when
    absent.
    """

    item: Node
    padded: bool = False


@dataclass(frozen=True)
class Vec:
    """Length of `prefix` bytes, then the items."""

    item: Node
    prefix: int = 4


@dataclass(frozen=True)
class Map:
    """u32 length, then pairs; printed as a list of [key, value]."""

    key: Node
    value: Node


@dataclass(frozen=True)
class Array:
    """`length` items."""

    item: Node
    length: int


@dataclass(frozen=True)
class Tuple:
    """Items one after another; printed as a list."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Struct:
    """Named fields; a tuple struct has the names "0", "1", ..., as Anchor's own coder prints it."""

    fields: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Enum:
    """One tag byte, then the variant's fields; printed as {variant: {fields}}."""

    name: str
    variants: tuple[tuple[str, Struct], ...]


@dataclass(frozen=True)
class Ref:
    """A type inside itself (through an Option or Vec); `Resolver.named` has the node of `key`."""

    key: tuple[Any, ...]


Node = Primitive | Text | Option | Vec | Map | Array | Tuple | Struct | Enum | Ref
Scope = Mapping[str, "Node | int"]


class Resolver:
    """Resolves the types of one IDL. `definitions` are its `types` (and legacy `accounts`) entries."""

    def __init__(self, definitions: Sequence[Mapping[str, Any]]) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        for definition in definitions:
            self._definitions.setdefault(definition["name"], definition)
        self.named: dict[tuple[Any, ...], Node] = {}
        self._open: set[tuple[Any, ...]] = set()

    def matching(self, name: str) -> list[str]:
        """Names of the definitions that `name` may mean: itself, else those that end in `::name`."""
        if name in self._definitions:
            return [name]
        return [known for known in self._definitions if last_segment(known) == last_segment(name)]

    def resolve(self, written: Any, path: str, scope: Scope | None = None, prefix: int = 4) -> Node:
        """Node of a type as the IDL writes it."""
        scope = scope or {}
        if isinstance(written, str):
            name = _ALIASES.get(written, written)
            if name in PRIMITIVE_SIZES:
                return Primitive(name)
            if name in ("string", "bytes"):
                return Text(is_string=name == "string")
            raise IdlError(f"{path}: unknown type {written!r}")
        if not isinstance(written, Mapping) or not written:
            raise IdlError(f"{path}: not a type: {str(written)[:60]}")
        kind, inner = next(iter(written.items()))
        match kind:
            case "option" | "coption":
                return Option(self.resolve(inner, path, scope, prefix), padded=kind == "coption")
            case "vec":
                return Vec(self.resolve(inner, path, scope, prefix), prefix)
            case "hashSet" | "bTreeSet":
                return Vec(self.resolve(inner, path, scope, prefix))
            case "hashMap" | "bTreeMap":
                key, value = (self.resolve(item, path, scope, prefix) for item in _pair(inner, path))
                return Map(key, value)
            case "array" | "genericLenArray":
                item, length = _pair(inner, path)
                return Array(self.resolve(item, path, scope, prefix), _length(length, scope, path))
            case "tuple":
                return Tuple(tuple(self.resolve(item, path, scope, prefix) for item in _list(inner, path)))
            case "generic":
                bound = scope.get(inner)
                if bound is None or isinstance(bound, int):
                    raise IdlError(f"{path}: generic {inner!r} has no type")
                return bound
            case "defined":
                named = {"name": inner} if isinstance(inner, str) else inner
                return self.defined(
                    named.get("name", ""), self._arguments(named.get("generics", []), path, scope), path
                )
            case "definedWithTypeArgs":
                return self.defined(inner.get("name", ""), self._arguments(inner.get("args", []), path, scope), path)
        raise IdlError(f"{path}: unknown type {kind!r}")

    def defined(self, name: str, arguments: tuple[Node | int, ...], path: str) -> Node:
        """Node of a defined type with its generic arguments."""
        found = self.matching(name)
        if len(found) != 1:
            raise IdlError(
                f"{path}: type {name!r} is {'not defined' if not found else 'defined ' + str(len(found)) + ' times'}"
            )
        key = (found[0], arguments)
        if key in self.named:
            return self.named[key]
        if key in self._open:
            return Ref(key)
        self._open.add(key)
        try:
            self.named[key] = self._definition(self._definitions[found[0]], arguments, f"{path} > {name}")
        except (KeyError, TypeError, AttributeError) as error:
            raise IdlError(f"{path} > {name}: broken definition ({error})") from None
        finally:
            self._open.discard(key)
        return self.named[key]

    def _definition(self, definition: Mapping[str, Any], arguments: tuple[Node | int, ...], path: str) -> Node:
        parameters = [item if isinstance(item, str) else item["name"] for item in definition.get("generics") or []]
        if len(parameters) != len(arguments):
            raise IdlError(f"{path}: takes {len(parameters)} generic arguments, got {len(arguments)}")
        scope = dict(zip(parameters, arguments, strict=True))
        serialization = definition.get("serialization")
        if isinstance(serialization, Mapping):
            raise IdlError(f"{path}: custom serialization can't be decoded")
        prefix = _PREFIXES.get(serialization, 4)
        body = definition["type"]
        match body.get("kind"):
            case "struct":
                return self.struct(body.get("fields"), path, scope, prefix)
            case "enum":
                variants = tuple(
                    (variant["name"], self.struct(variant.get("fields"), f"{path}.{variant['name']}", scope, prefix))
                    for variant in body["variants"]
                )
                return Enum(definition["name"], variants)
            case "type" | "alias":
                return self.resolve(body["alias"] if "alias" in body else body["value"], path, scope, prefix)
        raise IdlError(f"{path}: unknown kind {body.get('kind')!r}")

    def struct(self, fields: Any, path: str, scope: Scope | None = None, prefix: int = 4) -> Struct:
        """Struct of a list of named fields or of bare types; None is a unit."""
        return Struct(
            tuple(
                (name, self.resolve(written, f"{path}.{name}", scope, prefix))
                for name, written in _fields([] if fields is None else _list(fields, path))
            )
        )

    def _arguments(self, written: Any, path: str, scope: Scope) -> tuple[Node | int, ...]:
        arguments: list[Node | int] = []
        for item in _list(written, path):
            if "type" in item:
                forwarded = item["type"].get("generic") if isinstance(item["type"], Mapping) else None
                bound = scope.get(forwarded) if forwarded else None  # a forwarded const generic is written as a type
                arguments.append(bound if isinstance(bound, int) else self.resolve(item["type"], path, scope))
            elif "value" in item:
                arguments.append(_length(item["value"], scope, path))
            else:
                raise IdlError(f"{path}: broken generic argument")
        return tuple(arguments)


def _fields(fields: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    for at, field in enumerate(fields):
        if isinstance(field, Mapping) and "name" in field and "type" in field:
            yield snake(field["name"]), field["type"]
        else:
            yield str(at), field


def _list(written: Any, path: str) -> Sequence[Any]:
    if not isinstance(written, list):
        raise IdlError(f"{path}: expected a list")
    return written


def _pair(written: Any, path: str) -> tuple[Any, Any]:
    if len(_list(written, path)) != 2:
        raise IdlError(f"{path}: expected two items")
    return written[0], written[1]


def _length(written: Any, scope: Scope, path: str) -> int:
    if isinstance(written, Mapping):
        written = scope.get(written.get("generic", ""))
    elif isinstance(written, str) and written in scope:
        written = scope[written]
    try:
        length = int(written)
    except (TypeError, ValueError):
        raise IdlError(f"{path}: array length {written!r} is no number") from None
    if not 0 <= length <= 1 << 24:
        raise IdlError(f"{path}: array length {length} out of range")
    return length
