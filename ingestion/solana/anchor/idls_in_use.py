"""Which IDLs hold for the programs of one transaction, and which program speaks an IDL that names no address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ingestion.solana.anchor.events import EVENT_TAG, payload_of
from ingestion.solana.anchor.frames import LogScan, Place, inner_places
from ingestion.solana.anchor.idl import Idl, IdlRegistry
from ingestion.solana.transaction import Instruction, TransactionView


class IdlsInUse:
    """IDLs of the programs of one transaction; finds the program of a floating IDL."""

    def __init__(self, view: TransactionView, scan: LogScan, registry: IdlRegistry) -> None:
        self._registry, self._slot = registry, view.slot
        self._adopted = _adopt(view, scan, registry) if registry.floating else {}
        self._held: dict[str | None, tuple[Idl, ...]] = {}

    def of(self, program: str | None) -> tuple[Idl, ...]:
        if program not in self._held:
            held = self._registry.lookup(program, self._slot) or self._adopted.get(program or "", ())
            self._held[program] = held
        return self._held[program]

    def ours(self, program: str | None) -> bool:
        """Whether the program has an IDL at this slot or at any other: its events must not pass in silence."""
        return self._registry.knows(program) or program in self._adopted

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
