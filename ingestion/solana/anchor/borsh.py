"""Borsh readers, compiled from IDL nodes to Python functions.

A run of fixed-size fields becomes one struct.unpack_from, so the cost of a field is one conversion. The generated
source holds only numbers, and names as repr() literals.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any

from solders.pubkey import Pubkey

from ingestion.solana.anchor.sizes import fixed_size, least_size
from ingestion.solana.anchor.types import (
    Array,
    Enum,
    IdlError,
    Map,
    Node,
    Option,
    Primitive,
    Ref,
    Struct,
    Text,
    Tuple,
    Vec,
)  # fmt: skip

Reader = Callable[[bytes, int], tuple[Any, int]]
"""(bytes, offset) -> (value, offset behind it). The value is JSON: pubkeys and integers over 32 bits are strings."""

_FORMATS = {
    "bool": "B", "u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q",
    "u128": "16s", "i128": "16s", "u256": "32s", "i256": "32s", "f32": "f", "f64": "d", "pubkey": "32s",
}  # fmt: skip
_VALUES = {
    "bool": "truth[{}]", "u64": "str({})", "i64": "str({})", "u128": "unsigned({})", "u256": "unsigned({})",
    "i128": "signed({})", "i256": "signed({})", "f32": "number({})", "f64": "number({})", "pubkey": "str(pubkey({}))",
}  # fmt: skip
_LENGTHS = {1: "B", 2: "H", 4: "I"}
_UNROLL = 16
_DEPTH = 9  # deeper loops and branches go into a function of their own: Python limits nested blocks
_EMPTY_ITEMS = 4096  # items without bytes can't be counted against the payload


class DecodeError(ValueError):
    """The bytes don't fit the type; `code` is the reason code."""

    code = "payload_invalid"


class TooShort(DecodeError):
    """The bytes end inside the type."""

    code = "payload_too_short"


def compile_reader(node: Node, named: Mapping[tuple[Any, ...], Node]) -> Reader:
    """Reader of a node; `named` resolves its Refs. The reader raises DecodeError."""
    try:
        return _Module(named).function(node)
    except RecursionError:
        raise IdlError("types are nested too deep") from None


class _Module:
    """Functions that refer to each other: one a recursive type, one a too deep branch."""

    def __init__(self, named: Mapping[tuple[Any, ...], Node]) -> None:
        self.named = named
        self.globals: dict[str, Any] = dict(_RUNTIME)
        self._by_key: dict[tuple[Any, ...], str] = {}
        self._inner = 0

    def unpacker(self, form: str) -> tuple[str, int]:
        """Global name of a compiled little-endian struct format, and its size."""
        compiled = struct.Struct("<" + form)
        name = "unpack_" + "".join(char if char.isalnum() else "_" for char in form)
        self.globals[name] = compiled.unpack_from
        return name, compiled.size

    def reference(self, key: tuple[Any, ...]) -> str:
        """Global name of the function that reads a recursive type."""
        if key not in self._by_key:
            self._by_key[key] = f"read_named_{len(self._by_key)}"
            self.globals[self._by_key[key]] = self.function(self.named[key])
        return self._by_key[key]

    def outlined(self, node: Node) -> str:
        """Global name of a function for a deeply nested node."""
        self._inner += 1
        name = f"read_inner_{self._inner}"  # taken before the function is written: it may hold others
        self.globals[name] = self.function(node)
        return name

    def function(self, node: Node) -> Reader:
        writer = _Writer(self)
        with writer.block("try:"):
            value = writer.value(node)
            writer.flush()
            writer.line(f"return {value}, o")
        writer.line("except unpack_error: short(0, size)")
        writer.line("except UnicodeDecodeError as error: bad_text(error)")
        writer.line("except RecursionError: too_deep()")
        source = "\n".join(["def read(b, o):", "    size = len(b)", *writer.lines])
        scope: dict[str, Any] = {}
        exec(compile(source, "<idl>", "exec"), self.globals, scope)
        return scope["read"]


class _Writer:
    """Writes the body of one function. `value` returns the expression of a node, valid once `flush` was called."""

    def __init__(self, module: _Module) -> None:
        self.lines: list[str] = []
        self._module = module
        self._indent = 1
        self._names = 0
        self._pending: list[tuple[str, str]] = []

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    def name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def take(self, form: str) -> str:
        """Variable of a fixed-size item, read with its neighbours at the next flush."""
        name = self.name()
        self._pending.append((form, name))
        return name

    def flush(self) -> None:
        if self._pending:
            unpack, size = self._module.unpacker("".join(form for form, _ in self._pending))
            self.line(f"{', '.join(name for _, name in self._pending)}, = {unpack}(b, o); o += {size}")
            self._pending.clear()

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; what is pending is read before it and inside it."""
        self.flush()
        self.line(head)
        self._indent += 1
        yield
        self.flush()
        self._indent -= 1

    def value(self, node: Node) -> str:
        match node:
            case Primitive(name):
                return _VALUES.get(name, "{}").format(self.take(_FORMATS[name]))
            case Struct(fields):
                return "{" + ", ".join(f"{name!r}: {self.value(item)}" for name, item in fields) + "}"
            case Tuple(items):
                return "[" + ", ".join(self.value(item) for item in items) + "]"
            case Array(Primitive("u8"), length):
                return f"list({self.take(f'{length}s')})"
            case Array(Primitive() as item, length) if length <= _UNROLL:
                return "[" + ", ".join(self.value(item) for _ in range(length)) + "]"
            case Ref(key):
                return self._call(self._module.reference(key))
        if self._indent > _DEPTH:
            return self._call(self._module.outlined(node))
        return self._compound(node)

    def _call(self, function: str) -> str:
        self.flush()
        result = self.name()
        self.line(f"{result}, o = {function}(b, o)")
        return result

    def _compound(self, node: Node) -> str:
        match node:
            case Text(is_string):
                return self._text(is_string)
            case Option():
                return self._option(node)
            case Enum():
                return self._enum(node)
            case Vec(Primitive("u8"), prefix):
                return self._text(False, prefix)
            case Vec(item, prefix):
                return self._loop(self._count(item, prefix), lambda: self.value(item))
            case Map(key, value):
                pair = Tuple((key, value))
                return self._loop(self._count(pair, 4), lambda: self.value(pair))
            case Array(item, length):
                return self._loop(str(length), lambda: self.value(item))
        raise TypeError(node)

    def _text(self, is_string: bool, prefix: int = 4) -> str:
        length, result = self.take(_LENGTHS[prefix]), self.name()
        self.flush()
        self.line(f"{result} = b[o:o + {length}]; o += {length}")
        self.line(f"if o > size: short({length}, size)")
        return f"text({result})" if is_string else f"list({result})"

    def _option(self, node: Option) -> str:
        tag, result = self.take("I" if node.padded else "B"), self.name()
        with self.block(f"if {tag} == 1:"):
            value = self.value(node.item)
            self.flush()
            self.line(f"{result} = {value}")
        with self.block(f"elif {tag} == 0:"):
            self.line(f"{result} = None")
            if node.padded:
                padding = fixed_size(node.item) or 0
                self.line(f"o += {padding}")
                self.line(f"if o > size: short({padding}, size)")
        self.line(f"else: bad('option', {tag})")
        return result

    def _enum(self, node: Enum) -> str:
        tag, result = self.take("B"), self.name()
        self.flush()
        for at, (name, fields) in enumerate(node.variants):
            with self.block(f"{'if' if at == 0 else 'elif'} {tag} == {at}:"):
                value = self.value(fields)
                self.flush()
                self.line(f"{result} = {{{name!r}: {value}}}")
        self.line(f"else: bad({node.name!r}, {tag})" if node.variants else f"{result} = bad({node.name!r}, {tag})")
        return result

    def _count(self, item: Node, prefix: int) -> str:
        count, least = self.take(_LENGTHS[prefix]), least_size(item, self._module.named)
        self.flush()
        limit = f"{count} * {least} > size - o" if least else f"{count} > {_EMPTY_ITEMS}"
        self.line(f"if {limit}: short({count}, size)")
        return count

    def _loop(self, count: str, item: Callable[[], str]) -> str:
        self.flush()
        result = self.name()
        self.line(f"{result} = []")
        with self.block(f"for _ in range({count}):"):
            value = item()
            self.flush()
            self.line(f"{result}.append({value})")
        return result


class _Truth(dict[int, bool]):
    """Looking a byte up is faster than calling a function for it."""

    def __missing__(self, value: int) -> bool:
        raise DecodeError(f"bool is {value}, neither 0 nor 1")


def _number(value: float) -> float | str:
    """JSON has no words for the values that are no numbers."""
    return value if isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _short(length: int, size: int) -> None:
    if length == 0:
        raise TooShort(f"the payload of {size} bytes ends inside the type") from None
    raise TooShort(f"a length of {length} reaches beyond the payload of {size} bytes")


def _bad(what: str, tag: int) -> None:
    raise DecodeError(f"{what} has no tag {tag}") from None


def _too_deep() -> None:
    raise DecodeError("nested too deep") from None


def _bad_text(error: UnicodeDecodeError) -> None:
    raise DecodeError(f"text is not UTF-8 ({error.reason})") from None


_RUNTIME = {
    "truth": _Truth({0: False, 1: True}),
    "pubkey": Pubkey.from_bytes,
    "number": _number,
    "short": _short,
    "bad": _bad,
    "bad_text": _bad_text,
    "too_deep": _too_deep,
    "unpack_error": struct.error,
    "text": lambda value: value.decode(),
    "unsigned": lambda value: str(int.from_bytes(value, "little")),
    "signed": lambda value: str(int.from_bytes(value, "little", signed=True)),
}
