"""Every Anchor event of a transaction, from both channels, each counted once.

`emit!` writes a `Program data:` log line; `emit_cpi!` calls the program itself with the event as instruction data. A
program may do both for one event: such a pair is one event, and the inner instruction's copy is the duplicate.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ingestion.solana.anchor.events import EVENT_TAG, Decoded, Undecodable, decode_payload, payload_of
from ingestion.solana.anchor.frames import DATA, LogScan, Place, place_text, scan_logs
from ingestion.solana.anchor.idl import Idl, IdlRegistry
from ingestion.solana.anchor.idls_in_use import IdlsInUse
from ingestion.solana.base58 import begins_with, decode_base58
from ingestion.solana.transaction import TransactionView

_DOUBTS = {
    "unmatched_frames": "the log's invoke and success lines don't match, so the emitting program is uncertain",
    "log_truncated": "lines were cut from the log before this one, so the emitting program is uncertain",
}

_GAPS = {
    True: ("no_log", "the answer has no log, events may be missing"),
    False: ("log_truncated", "the log was cut, events may be missing"),
}
"""Findings about a whole transaction; their position is empty."""


@dataclass(slots=True)
class Event:
    """One emission.

    `position` is unique in (transaction, channel): log line ordinal.token, or instruction.inner index. `emitter` is the
    place of the instruction whose program emitted it, None where log and instructions don't match. `status`: duplicate
    (`duplicate_of` is then the position of the log twin), else counted, or reverted where the transaction failed.
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


@dataclass(slots=True)
class Finding:
    """A payload that is no event: its bytes and why."""

    program_id: str | None
    channel: str
    position: str
    code: str
    reason: str
    raw: bytes


@dataclass(slots=True)
class Extraction:
    """Events of a transaction (log channel first, each in order) and what could not be decoded."""

    events: list[Event] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _Payload(NamedTuple):
    program_id: str
    channel: str
    position: str
    emitter: Place | None
    raw: bytes


def extract(view: TransactionView, registry: IdlRegistry) -> Extraction:
    """Events and findings of the programs that the registry has an IDL for; other programs are none of its business."""
    # most logs hold no data at all, and then nothing in them needs a place
    scan = scan_logs(view) if DATA in view.log_text else LogScan()
    idls = IdlsInUse(view, scan, registry)
    ours = {program for program in _programs(view) if idls.ours(program)}
    found = Extraction()
    if ours and (view.logs is None or view.log_truncated):
        found.findings.append(Finding(None, "log", "", *_GAPS[view.logs is None], b""))
    payloads = _log_payloads(scan, idls, found)
    if ours:
        payloads += _cpi_payloads(view, scan, ours, found)
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


def _programs(view: TransactionView) -> set[str]:
    return set(view.programs).union(*view.inner_programs.values())


def _log_payloads(scan: LogScan, idls: IdlsInUse, found: Extraction) -> list[_Payload]:
    payloads = []
    for token in scan.tokens:
        ours = idls.ours(token.program)
        position = f"{token.line}.{token.token}"
        if token.imitation:
            if ours:
                reason = "a logged message imitates a Program data line; it is text, not an event"
                found.findings.append(
                    Finding(token.program, "log", position, "spoofed_data", reason, token.text.encode())
                )
        elif token.doubt:
            raw = payload_of(token.text)
            if ours or _is_known(raw, idls):
                bytes_ = raw if isinstance(raw, bytes) else token.text.encode()
                found.findings.append(
                    Finding(token.program, "log", position, token.doubt, _DOUBTS[token.doubt], bytes_)
                )
        elif ours:
            raw = payload_of(token.text)
            if isinstance(raw, bytes):
                payloads.append(_Payload(str(token.program), "log", position, token.place, raw))
            else:
                found.findings.append(
                    Finding(token.program, "log", position, raw.code, raw.reason, token.text.encode())
                )
    return payloads


def _is_known(raw: bytes | Undecodable, idls: IdlsInUse) -> bool:
    return isinstance(raw, bytes) and any(
        raw[:length] in idl.events for idl in idls.known() for length in idl.discriminator_lengths
    )


def _cpi_payloads(view: TransactionView, scan: LogScan, ours: set[str], found: Extraction) -> list[_Payload]:
    payloads = []
    for at, program in enumerate(view.programs):
        if program in ours and _is_event_call(view, program, (at, None), found):
            found.findings.append(_foreign(view, program, (at, None)))
    for top in sorted(view.inner_programs):
        for at, program in enumerate(view.inner_programs[top]):
            if program not in ours or not _is_event_call(view, program, (top, at), found):
                continue
            caller, is_known = _caller(view, scan, top, at)
            if is_known and (caller is None or _program_at(view, caller) != program):
                found.findings.append(_foreign(view, program, (top, at)))
            else:
                raw = _data(view, (top, at))[len(EVENT_TAG) :]
                payloads.append(_Payload(program, "cpi", f"{top}.{at}", caller, raw))
    return payloads


def _is_event_call(view: TransactionView, program: str, place: Place, found: Extraction) -> bool:
    """Whether an instruction's data begin with EVENT_TAG; what is not base58 becomes a finding."""
    data = view.raw_data(*place)
    if isinstance(data, bytes):
        return data.startswith(EVENT_TAG)
    try:
        return begins_with(data, EVENT_TAG)
    except ValueError:
        reason = f"data of an instruction of {program} is not base58"
        found.findings.append(Finding(program, "cpi", place_text(place), "bad_base58", reason, b""))
        return False


def _data(view: TransactionView, place: Place) -> bytes:
    data = view.raw_data(*place)
    return data if isinstance(data, bytes) else decode_base58(data)


def _program_at(view: TransactionView, place: Place) -> str:
    top, at = place
    return view.programs[top] if at is None else view.inner_programs[top][at]


def _caller(view: TransactionView, scan: LogScan, top: int, at: int) -> tuple[Place | None, bool]:
    """Place of the instruction that invoked an inner one, and whether that is certain."""
    height = view.height(top, at)
    if height is not None:
        if height == 2:
            return (top, None), True
        for before in range(at - 1, -1, -1):
            if view.height(top, before) == height - 1:
                return (top, before), True
        return None, True
    callers = scan.callers or scan_logs(view).callers
    if (top, at) in callers:
        return callers[top, at], callers[top, at] is not None
    # old answers record no heights, and the log may be cut: the nearest instruction of the program before this one
    programs = view.inner_programs[top]
    for before in range(at - 1, -1, -1):
        if programs[before] == programs[at] and not view.inner[top][before].data.startswith(EVENT_TAG):
            return (top, before), False
    return ((top, None) if view.programs[top] == programs[at] else None), False


def _foreign(view: TransactionView, program: str, place: Place) -> Finding:
    reason = "an event instruction that the program did not call itself; it is no event"
    return Finding(program, "cpi", place_text(place), "foreign_event_call", reason, _data(view, place))


def _twins(payloads: Sequence[_Payload]) -> dict[str, str]:
    """cpi position -> log position of the same event emitted through both channels.

    Equal bytes of one program are paired one to one, first within the same instruction, then in order: two equal pairs
    are two events, and a copy without partner is an event of its own.
    """
    twins: dict[str, str] = {}
    logged = [item for item in payloads if item.channel == "log"]
    called = [item for item in payloads if item.channel == "cpi"]
    if not (logged and called):
        return twins
    taken: set[str] = set()
    for key in (_in_instruction, _anywhere):
        waiting: dict[Any, deque[str]] = defaultdict(deque)
        for item in logged:
            if item.position not in taken:
                waiting[key(item)].append(item.position)
        for item in called:
            if item.position not in twins and waiting.get(key(item)):
                twins[item.position] = waiting[key(item)].popleft()
                taken.add(twins[item.position])
    return twins


def _in_instruction(item: _Payload) -> tuple[Any, ...]:
    return item.program_id, item.raw, item.emitter


def _anywhere(item: _Payload) -> tuple[Any, ...]:
    return item.program_id, item.raw


def _event(payload: _Payload, result: Decoded, twin: str | None, success: bool) -> Event:
    status = "duplicate" if twin is not None else "counted" if success else "reverted"
    program_id, channel, position, emitter, raw = payload
    name, data, trailing, idl = result
    return Event(program_id, channel, position, emitter, raw, name, data, trailing, idl, status, twin)
