"""Anchor IDLs: legacy and 0.30+, parsed, checked and compiled; anything else is refused with the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import orjson

from ingestion.solana.anchor.borsh import Reader, compile_reader
from ingestion.solana.anchor.names import snake
from ingestion.solana.anchor.types import IdlError, Node, Resolver, Struct

__all__ = ["Arguments", "EventDef", "Idl", "IdlError", "IdlRegistry", "InstructionDef", "parse_idl"]


@dataclass(frozen=True)
class EventDef:
    """An event of an IDL: its name as the IDL writes it, its discriminator, its fields and their reader."""

    name: str
    discriminator: bytes
    node: Node
    read: Reader = field(compare=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """Top-level field names, snake_case."""
        return tuple(name for name, _ in self.node.fields) if isinstance(self.node, Struct) else ()


@dataclass(frozen=True)
class Arguments:
    """An instruction's arguments: their types, snake_case, and the reader of the bytes behind the discriminator."""

    node: Struct
    read: Reader = field(compare=False)


@dataclass(frozen=True)
class InstructionDef:
    """An instruction: snake_case name, and the snake_case names of its accounts in order, nested ones flattened.

    `arguments()` resolves the arguments' types when they are first asked for: an IDL whose events are sound stays
    usable. It raises IdlError.
    """

    name: str
    discriminator: bytes
    accounts: tuple[str, ...]
    optional: frozenset[str]
    arguments: Callable[[], Arguments] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Idl:
    """A parsed IDL. `events` maps a discriminator to the events that have it (several only where names repeat)."""

    name: str
    address: str | None
    spec: str
    content_hash: str
    events: Mapping[bytes, tuple[EventDef, ...]]
    instructions: tuple[InstructionDef, ...]
    discriminator_lengths: tuple[int, ...]

    @cached_property
    def label(self) -> str:
        """Name and the first 12 hex digits of the content hash, as raw.solana_events.idl states it."""
        return f"{self.name}@{self.content_hash[:12]}"

    def event_names(self) -> dict[str, EventDef]:
        """Events by name; of repeated names the first."""
        names: dict[str, EventDef] = {}
        for definitions in self.events.values():
            for definition in definitions:
                names.setdefault(definition.name, definition)
        return names

    def instruction(self, data: bytes) -> InstructionDef | None:
        """The instruction that the data begins with; the longest discriminator wins."""
        matching = [item for item in self.instructions if data.startswith(item.discriminator)]
        return max(matching, key=lambda item: len(item.discriminator), default=None)


def parse_idl(content: bytes | str) -> Idl:
    """IDL from its JSON text. Raises IdlError: not JSON, a Codama IDL, or broken, with the place."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise IdlError(f"not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise IdlError("not an IDL: the top level is no object")
    if document.get("kind") == "rootNode":
        raise IdlError(
            "this is a Codama IDL (kind: rootNode), not an Anchor IDL; "
            "take target/idl/<program>.json from the Anchor build"
        )
    if not isinstance(document.get("instructions"), list):
        raise IdlError("not an Anchor IDL: it has no list of instructions")
    try:
        return _parse(document)
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise IdlError(f"broken IDL: {detail}") from None
    except RecursionError:
        raise IdlError("broken IDL: nested too deep") from None


def _parse(document: dict[str, Any]) -> Idl:
    metadata = document.get("metadata") if isinstance(document.get("metadata"), dict) else {}
    name = document.get("name") or metadata.get("name")
    if not isinstance(name, str) or not name:
        raise IdlError("broken IDL: it has no name")
    spec = metadata.get("spec") or ("0.1.0" if "address" in document else "legacy")
    if spec not in ("legacy", "0.1.0"):
        raise IdlError(f"unknown IDL spec {spec!r} (known: legacy and 0.1.0)")
    definitions = [item for key in ("types", "accounts") for item in document.get(key) or [] if "type" in item]
    resolver = Resolver(definitions)
    events: dict[bytes, list[EventDef]] = {}
    for written in document.get("events") or []:
        for event in _events(written, resolver):
            same = events.setdefault(event.discriminator, [])
            if event not in same:
                same.append(event)
    return Idl(
        name=name,
        address=document.get("address") or metadata.get("address"),
        spec=spec,
        content_hash=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
        events={discriminator: tuple(same) for discriminator, same in events.items()},
        instructions=tuple(item for written in document["instructions"] for item in _instructions(written, resolver)),
        discriminator_lengths=tuple(sorted({len(discriminator) for discriminator in events}, reverse=True)),
    )


def _events(written: Mapping[str, Any], resolver: Resolver) -> Iterator[EventDef]:
    """One event; more than one where its name is that of several types (two modules with an event of the same name)."""
    name, path = written["name"], f"event {written['name']}"
    stated = written.get("discriminator")
    discriminator = _sighash("event", name) if stated is None else _bytes(stated, path)
    if "fields" in written:
        nodes: list[Node] = [resolver.struct(written["fields"], path)]
    elif candidates := resolver.matching(name):
        nodes = [resolver.defined(candidate, (), path) for candidate in candidates]
    else:
        raise IdlError(f"{path}: neither fields nor a type of that name")
    for node in nodes:
        yield EventDef(name, discriminator, node, compile_reader(node, resolver.named))


def _instructions(written: Mapping[str, Any], resolver: Resolver) -> Iterator[InstructionDef]:
    accounts = tuple(_accounts(written.get("accounts") or []))
    names = tuple(name for name, _ in accounts)
    optional = frozenset(name for name, is_optional in accounts if is_optional)
    if "discriminator" in written:
        discriminators = {_bytes(written["discriminator"], f"instruction {written['name']}")}
    else:
        # the legacy IDL has only the camelCase form; one-letter words (set_x_y) leave two possible originals
        every_capital = "".join(f"_{char.lower()}" if char.isupper() else char for char in written["name"]).lstrip("_")
        discriminators = {_sighash("global", snake(written["name"])), _sighash("global", every_capital)}

    @cache
    def arguments() -> Arguments:
        node = resolver.struct(written.get("args"), f"instruction {written['name']}")
        return Arguments(node, compile_reader(node, resolver.named))

    for discriminator in sorted(discriminators):
        yield InstructionDef(snake(written["name"]), discriminator, names, optional, arguments)


def _accounts(written: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    for item in written:
        if "accounts" in item:
            yield from _accounts(item["accounts"])
        else:
            yield snake(item["name"]), bool(item.get("optional") or item.get("isOptional"))


def _sighash(space: str, name: str) -> bytes:
    return hashlib.sha256(f"{space}:{name}".encode()).digest()[:8]


def _bytes(written: Any, path: str) -> bytes:
    try:
        value = bytes(written)
    except (TypeError, ValueError):
        value = b""
    if not value or not isinstance(written, list):
        raise IdlError(f"{path}: the discriminator is no list of bytes")
    return value


@dataclass(frozen=True)
class _Entry:
    idl: Idl
    from_slot: int
    to_slot: int | None


class IdlRegistry:
    """Which IDL holds for a program at a slot.

    An IDL that names no program address (legacy ones mostly) and is added without one is `floating`: emission finds out
    which program of a transaction speaks it.
    """

    def __init__(self) -> None:
        self._entries: dict[str, list[_Entry]] = {}
        self.floating: list[Idl] = []

    def add(self, idl: Idl, program_id: str | None = None, from_slot: int = 0, to_slot: int | None = None) -> None:
        """Register an IDL for a program (default: the address it states) in the slots [from_slot, to_slot)."""
        program = program_id or idl.address
        if program is None:
            self.floating.append(idl)
        else:
            self._entries.setdefault(program, []).append(_Entry(idl, from_slot, to_slot))

    def lookup(self, program_id: str | None, slot: int | None) -> tuple[Idl, ...]:
        """IDLs of a program at a slot (None: of any slot), in order of registration; empty for a foreign program."""
        entries = self._entries.get(program_id) if program_id else None
        if not entries:
            return ()
        return tuple(
            entry.idl
            for entry in entries
            if slot is None or (entry.from_slot <= slot and (entry.to_slot is None or slot < entry.to_slot))
        )

    def knows(self, program_id: str | None) -> bool:
        """Whether the program has an IDL at any slot."""
        return program_id in self._entries

    def all(self) -> list[Idl]:
        """Every IDL, registered or floating."""
        return [entry.idl for entries in self._entries.values() for entry in entries] + self.floating
