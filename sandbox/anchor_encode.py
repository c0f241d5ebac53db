"""Borsh encoding of Anchor instructions and events after an IDL (spec 0.1.0): what a program would put on the chain.

Only the sandbox encodes. The decoder of the warehouse shares no code with it, so that one checks the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from solders.pubkey import Pubkey

EVENT_CPI_TAG = bytes.fromhex("e445a52e51cb9a1d")  # first eight bytes of every emit_cpi! instruction
_INTEGERS = {f"{sign}{bits}": (bits // 8, sign == "i") for sign in "ui" for bits in (8, 16, 32, 64, 128)}


class AccountRole(NamedTuple):
    """One account of an instruction as the IDL declares it."""

    name: str
    signer: bool
    writable: bool


class AnchorEncoder:
    """Encodes by one IDL. Raises KeyError for a name the IDL does not have, OverflowError for an integer too large."""

    def __init__(self, idl: Mapping[str, Any]) -> None:
        self._types = {t["name"]: t["type"] for t in idl["types"]}
        self._events = {e["name"]: bytes(e["discriminator"]) for e in idl["events"]}
        self._instructions = {i["name"]: i for i in idl["instructions"]}
        self._errors = {e["code"]: e for e in idl["errors"]}

    def event(self, name: str, fields: Mapping[str, Any]) -> bytes:
        """Discriminator and borsh fields of an event, as both channels carry them."""
        return self._events[name] + self._value({"defined": {"name": name}}, fields)

    def instruction(self, name: str, args: Mapping[str, Any]) -> bytes:
        """Instruction data: discriminator and borsh arguments."""
        declared = self._instructions[name]
        return bytes(declared["discriminator"]) + self._fields(declared["args"], args)

    def roles(self, name: str) -> list[AccountRole]:
        """The accounts of an instruction in order."""
        return [
            AccountRole(account["name"], account.get("signer", False), account.get("writable", False))
            for account in self._instructions[name]["accounts"]
        ]

    def error_message(self, code: int) -> str:
        """Text of a program error."""
        return self._errors[code]["msg"]

    def _fields(self, declared: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> bytes:
        names = [f["name"] for f in declared]
        if set(names) != set(values):
            raise KeyError(f"fields {sorted(values)} do not match the IDL's {names}")
        return b"".join(self._value(f["type"], values[f["name"]]) for f in declared)

    def _value(self, kind: Any, value: Any) -> bytes:
        if isinstance(kind, str):
            return _primitive(kind, value)
        ((form, inner),) = kind.items()
        match form:
            case "option":
                return b"\0" if value is None else b"\1" + self._value(inner, value)
            case "vec":
                return len(value).to_bytes(4, "little") + b"".join(self._value(inner, v) for v in value)
            case "defined":
                return self._defined(self._types[inner["name"]], value)
        raise KeyError(f"type form {form} is not used by the sandbox's program")

    def _defined(self, declared: Mapping[str, Any], value: Any) -> bytes:
        if declared["kind"] == "struct":
            return self._fields(declared["fields"], value)
        ((variant, payload),) = value.items()  # enum value: {"Variant": {fields}}
        index = [v["name"] for v in declared["variants"]].index(variant)
        return bytes([index]) + self._fields(declared["variants"][index].get("fields", ()), payload)


def _primitive(kind: str, value: Any) -> bytes:
    if kind in _INTEGERS:
        size, signed = _INTEGERS[kind]
        return value.to_bytes(size, "little", signed=signed)
    match kind:
        case "bool":
            return bytes([value])
        case "string":
            raw = value.encode()
            return len(raw).to_bytes(4, "little") + raw
        case "pubkey":
            return bytes(Pubkey.from_string(value))
    raise KeyError(f"primitive type {kind} is not used by the sandbox's program")
