"""Event payloads: discriminator and Borsh fields to a name and JSON data."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

from ingestion.solana.anchor.borsh import DecodeError
from ingestion.solana.anchor.idl import EventDef, Idl

EVENT_TAG = bytes.fromhex("e445a52e51cb9a1d")
"""Instruction data of emit_cpi! begins with it."""


class Decoded(NamedTuple):
    """A decoded payload. `trailing`: bytes beyond the IDL's struct (a newer program), kept and not understood."""

    name: str
    data: dict[str, Any]
    trailing: bytes
    idl: Idl


class Undecodable(NamedTuple):
    """Why a payload is no event of these IDLs."""

    code: str
    reason: str


def decode_payload(idls: Sequence[Idl], payload: bytes) -> Decoded | Undecodable:
    """Decode a payload (discriminator + fields) with the IDLs that hold for its program.

    With several candidates (IDL versions without slot ranges, repeated event names) the one that uses up the payload
    wins, then the one that leaves the fewest bytes; two different readings of the same bytes are an ambiguity.
    """
    if len(idls) == 1 and len(found := _matching(idls[0], payload)) == 1:
        return _read(idls[0], found[0], payload)
    candidates = [(idl, event) for idl in idls for event in _matching(idl, payload)]
    if not candidates:
        if not idls:
            return Undecodable("no_idl", "no IDL of the program holds at this slot")
        if len(payload) < 8:
            return Undecodable("no_discriminator", f"{len(payload)} bytes are too few for a discriminator")
        names = ", ".join(dict.fromkeys(idl.name for idl in idls))
        return Undecodable("unknown_discriminator", f"no event of {names} has the discriminator {payload[:8].hex()}")
    results = [_read(idl, event, payload) for idl, event in candidates]
    decoded = sorted((item for item in results if isinstance(item, Decoded)), key=lambda item: len(item.trailing))
    if not decoded:
        return results[0]
    best = [item for item in decoded if len(item.trailing) == len(decoded[0].trailing)]
    if any((item.name, item.data) != (best[0].name, best[0].data) for item in best[1:]):
        return Undecodable("ambiguous_event", f"{len(best)} definitions of {best[0].name} read the payload differently")
    return best[0]


def _matching(idl: Idl, payload: bytes) -> Sequence[EventDef]:
    for length in idl.discriminator_lengths:
        if found := idl.events.get(payload[:length]):
            return found
    return ()


def _read(idl: Idl, event: EventDef, payload: bytes) -> Decoded | Undecodable:
    try:
        data, end = event.read(payload, len(event.discriminator))
    except DecodeError as error:
        return Undecodable(error.code, f"{event.name}: {error}")
    return Decoded(event.name, data, payload[end:], idl)


def payload_of(token: str) -> bytes | Undecodable:
    """Bytes of a base64 token of a `Program data:` line."""
    try:
        return binascii.a2b_base64(token, strict_mode=True)
    except (binascii.Error, ValueError):
        return Undecodable("bad_base64", "the token is not base64")
