"""Every Anchor event of a transaction, from both channels, each counted once.

`emit!` writes a `Program data:` log line; `emit_cpi!` calls the program itself with the event as instruction data. A
program may do both for one event: such a pair is one event, and the inner instruction's copy is the duplicate.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingestion.solana.anchor.events import Decoded, Undecodable, decode_payload, payload_of
from ingestion.solana.anchor.frames import LogScan, Place, inner_places, instruction_at, place_text, scan_logs
from ingestion.solana.anchor.idl import Idl, IdlRegistry
from ingestion.solana.transaction import Instruction, NotATransaction, TransactionView

EVENT_TAG = bytes.fromhex("e445a52e51cb9a1d")
"""Instruction data of emit_cpi! begins with it."""

_DOUBTS = {
    "unmatched_frames": "the log's invoke and success lines don't match, so the emitting program is uncertain",
    "log_truncated": "lines were cut from the log before this one, so the emitting program is uncertain",
}


@dataclass(frozen=True)
class Event:
    """One emission.

    `position` is unique in (transaction, channel): log line ordinal.token, or instruction.inner index. `emitter` is the
    place of the instruction whose program emitted it, None where log and instructions don't match. `status`: counted,
    reverted (the transaction failed) or duplicate; `duplicate_of` is the position of the log twin.
    """

    program_id: str
    channel: str
    position: str
    emitter: Place | None
    payload: bytes
    name: str
    data: dict[str, Any]
    trailing: bytes
    idl: Idl
    status: str
    duplicate_of: str | None


@dataclass(frozen=True)
class Finding:
    """A payload that is no event: its bytes and why."""

    program_id: str | None
    channel: str
    position: str
    code: str
    reason: str
    raw: bytes


@dataclass
class Extraction:
    """Events of a transaction (log channel first, each in order) and what could not be decoded."""

    events: list[Event] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class _Payload:
    program_id: str
    channel: str
    position: str
    emitter: Place | None
    raw: bytes


def extract(view: TransactionView, registry: IdlRegistry) -> Extraction:
    """Events and findings of the programs that the registry has an IDL for; other programs are none of its business."""
    scan = scan_logs(view.logs or (), view.instructions, view.inner)
    idls = _Idls(view, scan, registry)
    found = Extraction()
    if view.logs is None and any(idls.of(program) for program in _programs(view)):
        found.findings.append(Finding(None, "log", "", "no_log", "the answer has no log, events may be missing", b""))
    payloads = [*_log_payloads(scan, idls, found), *_cpi_payloads(view, scan, idls, found)]
    twins = _twins(payloads)
    for payload in payloads:
        result = decode_payload(idls.of(payload.program_id), payload.raw)
        if isinstance(result, Undecodable):
            found.findings.append(
                Finding(payload.program_id, payload.channel, payload.position, result.code, result.reason, payload.raw)
            )
            continue
        twin = twins.get(payload.position) if payload.channel == "cpi" else None
        found.events.append(_event(payload, result, twin, view.success))
    return found


class _Idls:
    """IDLs of the programs of one transaction; finds the program of a floating IDL."""

    def __init__(self, view: TransactionView, scan: LogScan, registry: IdlRegistry) -> None:
        self._registry, self._slot = registry, view.slot
        self._adopted = _adopt(view, scan, registry) if registry.floating else {}

    def of(self, program: str | None) -> tuple[Idl, ...]:
        return self._registry.lookup(program, self._slot) or self._adopted.get(program or "", ())

    def known(self) -> list[Idl]:
        return self._registry.all()


def _adopt(view: TransactionView, scan: LogScan, registry: IdlRegistry) -> dict[str, tuple[Idl, ...]]:
    """Programs that speak a floating IDL: one of their events or instructions is in it."""
    heads: dict[str, set[bytes]] = defaultdict(set)
    for token in scan.tokens:
        payload = payload_of(token.text) if token.program and not token.imitation else None
        if isinstance(payload, bytes):
            heads[token.program or ""].add(payload)
    instructions: list[tuple[Place, Instruction]] = [((at, None), item) for at, item in enumerate(view.instructions)]
    instructions += inner_places(view.inner)
    adopted: dict[str, tuple[Idl, ...]] = {}
    for program in dict.fromkeys([*heads, *(item.program_id for _, item in instructions)]):
        if registry.knows(program):
            continue
        own = [item for _, item in instructions if item.program_id == program]
        speaking = tuple(idl for idl in registry.floating if _speaks(idl, heads[program], own))
        if speaking:
            adopted[program] = speaking
    return adopted


def _speaks(idl: Idl, payloads: Iterable[bytes], instructions: Iterable[Instruction]) -> bool:
    if any(payload[:length] in idl.events for payload in payloads for length in idl.discriminator_lengths):
        return True
    for item in instructions:
        data = item.data
        if data[:8] == EVENT_TAG and any(data[8 : 8 + length] in idl.events for length in idl.discriminator_lengths):
            return True
        definition = idl.instruction(data)
        # a discriminator is only the hash of a name like "deposit": the accounts must fit too
        if definition and len(item.accounts) >= len(definition.accounts) - len(definition.optional):
            return True
    return False


def _programs(view: TransactionView) -> set[str]:
    return {item.program_id for item in view.instructions} | {item.program_id for _, item in inner_places(view.inner)}


def _log_payloads(scan: LogScan, idls: _Idls, found: Extraction) -> list[_Payload]:
    payloads = []
    for token in scan.tokens:
        position = f"{token.line}.{token.token}"
        ours = bool(idls.of(token.program))
        if token.imitation:
            if ours:
                reason = "a logged message imitates a Program data line; it is text, not an event"
                found.findings.append(
                    Finding(token.program, "log", position, "spoofed_data", reason, token.text.encode())
                )
            continue
        raw = payload_of(token.text)
        if token.doubt:
            if ours or _is_known(raw, idls):
                bytes_ = raw if isinstance(raw, bytes) else token.text.encode()
                found.findings.append(
                    Finding(token.program, "log", position, token.doubt, _DOUBTS[token.doubt], bytes_)
                )
        elif ours and isinstance(raw, Undecodable):
            found.findings.append(Finding(token.program, "log", position, raw.code, raw.reason, token.text.encode()))
        elif ours and isinstance(raw, bytes):
            payloads.append(_Payload(str(token.program), "log", position, token.place, raw))
    return payloads


def _is_known(raw: bytes | Undecodable, idls: _Idls) -> bool:
    return isinstance(raw, bytes) and any(
        raw[:length] in idl.events for idl in idls.known() for length in idl.discriminator_lengths
    )


def _cpi_payloads(view: TransactionView, scan: LogScan, idls: _Idls, found: Extraction) -> list[_Payload]:
    payloads = []
    for at, instruction in enumerate(view.instructions):
        if idls.of(instruction.program_id) and _data(instruction, (at, None), found).startswith(EVENT_TAG):
            found.findings.append(_foreign(instruction, (at, None)))
    for place, instruction in inner_places(view.inner):
        if not idls.of(instruction.program_id) or not (data := _data(instruction, place, found)).startswith(EVENT_TAG):
            continue
        caller, is_known = _caller(view, scan, place)
        if is_known and (
            caller is None or instruction_at(caller, view.instructions, view.inner).program_id != instruction.program_id
        ):
            found.findings.append(_foreign(instruction, place))
            continue
        payloads.append(_Payload(instruction.program_id, "cpi", place_text(place), caller, data[len(EVENT_TAG) :]))
    return payloads


def _data(instruction: Instruction, place: Place, found: Extraction) -> bytes:
    try:
        return instruction.data
    except NotATransaction as error:
        found.findings.append(Finding(instruction.program_id, "cpi", place_text(place), "bad_base58", str(error), b""))
        return b""


def _caller(view: TransactionView, scan: LogScan, place: Place) -> tuple[Place | None, bool]:
    """Place of the instruction that invoked an inner one, and whether that is certain."""
    top, at = place
    group = view.inner[top]
    height = group[at or 0].height
    if height is not None:
        if height == 2:
            return (top, None), True
        for before in range((at or 0) - 1, -1, -1):
            if group[before].height == height - 1:
                return (top, before), True
        return None, True
    if place in scan.callers:
        return scan.callers[place], scan.callers[place] is not None
    # old answers record no heights, and the log may be cut: the nearest instruction of the program before this one
    program = group[at or 0].program_id
    for before in range((at or 0) - 1, -1, -1):
        if group[before].program_id == program and not group[before].data.startswith(EVENT_TAG):
            return (top, before), False
    return ((top, None) if view.instructions[top].program_id == program else None), False


def _foreign(instruction: Instruction, place: Place) -> Finding:
    reason = "an event instruction that the program did not call itself; it is no event"
    return Finding(instruction.program_id, "cpi", place_text(place), "foreign_event_call", reason, instruction.data)


def _twins(payloads: Sequence[_Payload]) -> dict[str, str]:
    """cpi position -> log position of the same event emitted through both channels.

    Equal bytes of one program are paired one to one, first within the same instruction, then in order: two equal pairs
    are two events, and a copy without partner is an event of its own.
    """
    twins: dict[str, str] = {}
    taken: set[str] = set()
    for keys in (lambda item: (item.program_id, item.raw, item.emitter), lambda item: (item.program_id, item.raw)):
        waiting: dict[Any, deque[str]] = defaultdict(deque)
        for item in payloads:
            if item.channel == "log" and item.position not in taken:
                waiting[keys(item)].append(item.position)
        for item in payloads:
            if item.channel == "cpi" and item.position not in twins and waiting.get(keys(item)):
                twins[item.position] = waiting[keys(item)].popleft()
                taken.add(twins[item.position])
    return twins


def _event(payload: _Payload, result: Decoded, twin: str | None, success: bool) -> Event:
    return Event(
        program_id=payload.program_id,
        channel=payload.channel,
        position=payload.position,
        emitter=payload.emitter,
        payload=payload.raw,
        name=result.name,
        data=result.data,
        trailing=result.trailing,
        idl=result.idl,
        status="reverted" if not success else "duplicate" if twin is not None else "counted",
        duplicate_of=twin,
    )
