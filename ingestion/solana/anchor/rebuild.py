"""Events that were cut from a log, from the arguments and accounts of the instructions that emit them.

The runtime keeps 10,000 bytes of log a transaction. An event whose every field is an argument or an account of its
instruction is not lost with its log line: the profile's rules say which (`rebuild`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingestion.solana.anchor.borsh import DecodeError
from ingestion.solana.anchor.emission import Event
from ingestion.solana.anchor.frames import Place, inner_places, place_text
from ingestion.solana.anchor.idl import Idl, IdlError, IdlRegistry, InstructionDef
from ingestion.solana.anchor.types import Node, Primitive, Struct
from ingestion.solana.transaction import Instruction, TransactionView
from warehouse.profile import Rebuild

CHANNEL = "instruction"


def rebuilt_events(
    view: TransactionView, events: Sequence[Event], registry: IdlRegistry, program: str, rules: Mapping[str, Rebuild]
) -> list[Event]:
    """Events of a program that its log does not show, in order of execution; none where the log is whole or it failed.

    An instruction whose event was found stays as it is. An event that was found without its place stands for one equal
    rebuilt one. Each has the channel `instruction`, and the instruction's place as its position.
    """
    if not (rules and view.log_truncated and view.success):
        return []
    placed = {(event.name, event.emitter) for event in events if event.program_id == program}
    unplaced = Counter(
        (event.name, _text(event.data)) for event in events if event.program_id == program and event.emitter is None
    )
    rebuilt = []
    for place, instruction in _instructions(view):
        if instruction.program_id != program:
            continue
        for event in _of(instruction, place, registry.lookup(program, view.slot), rules):
            if (event.name, place) in placed:
                continue
            if unplaced[event.name, _text(event.data)] > 0:
                unplaced[event.name, _text(event.data)] -= 1
                continue
            rebuilt.append(event)
    return rebuilt


def _instructions(view: TransactionView) -> Iterator[tuple[Place, Instruction]]:
    for at, instruction in enumerate(view.instructions):
        yield (at, None), instruction
        if group := view.inner.get(at):
            yield from inner_places({at: group})


def _of(instruction: Instruction, place: Place, idls: Sequence[Idl], rules: Mapping[str, Rebuild]) -> Iterator[Event]:
    """The events that an instruction emits by the rules; none where its bytes or accounts are not those of the IDL."""
    for idl in idls:
        definition = idl.instruction(instruction.data)
        if definition is None:
            continue
        for name, rule in rules.items():
            if rule.instruction == definition.name and check_rule(idl, name, rule) is None:
                data = _data(instruction, definition, rule)
                if data is not None:
                    yield _event(instruction, place, idl, name, data)
        return


def _data(instruction: Instruction, definition: InstructionDef, rule: Rebuild) -> dict[str, Any] | None:
    try:
        arguments, _ = definition.arguments().read(instruction.data, len(definition.discriminator))
    except DecodeError:
        return None
    data = {}
    for field, expression in rule.fields.items():
        scope, _, path = expression.partition(".")
        if scope == "account":
            at = definition.accounts.index(path)
            if at >= len(instruction.accounts):
                return None
            account = instruction.accounts[at]
            if path in definition.optional and account == instruction.program_id:
                return None  # the optional account is absent
            data[field] = account
        else:
            value: Any = arguments
            for key in path.split("."):
                value = value[key]
            data[field] = value
    return data


def _event(instruction: Instruction, place: Place, idl: Idl, name: str, data: dict[str, Any]) -> Event:
    fields = idl.event_names()[name].fields
    return Event(
        program_id=instruction.program_id,
        channel=CHANNEL,
        position=place_text(place),
        emitter=place,
        payload=instruction.data,
        name=name,
        data={field: data[field] for field in fields},
        trailing=b"",
        idl=idl,
        status="counted",
        duplicate_of=None,
    )


def check_rule(idl: Idl, event: str, rule: Rebuild) -> str | None:
    """Why a rule does not fit an IDL; None when it gives each field of the event a value of the field's own type."""
    definition = idl.event_names().get(event)
    if definition is None or not isinstance(definition.node, Struct):
        return f"{idl.name} has no event {event!r}"
    instruction = next((item for item in idl.instructions if item.name == rule.instruction), None)
    if instruction is None:
        return f"{idl.name} has no instruction {rule.instruction!r}"
    if missing := set(definition.fields) ^ set(rule.fields):
        return f"fields: those of {event} are {', '.join(definition.fields)} (differs: {', '.join(sorted(missing))})"
    try:
        arguments = instruction.arguments().node
    except IdlError as error:
        return str(error)
    for field, wanted in definition.node.fields:
        scope, _, path = rule.fields[field].partition(".")
        if scope == "account":
            given: Node | None = Primitive("pubkey") if path in instruction.accounts else None
        else:
            given = _node_at(arguments, path)
        if given is None:
            return (
                f"fields.{field}: {rule.instruction} has no {'account' if scope == 'account' else 'argument'} {path!r}"
            )
        if given != wanted:
            return f"fields.{field}: {rule.fields[field]} is of another type than the event's field"
    return None


def _node_at(node: Node, path: str) -> Node | None:
    for key in path.split("."):
        if not isinstance(node, Struct) or (found := dict(node.fields).get(key)) is None:
            return None
        node = found
    return node


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True)
