"""The one call that a transaction counts under, so that figures by instruction add up to the transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ingestion.solana.anchor.idl import IdlRegistry
from ingestion.solana.base58 import decode_base58
from ingestion.solana.transaction import TransactionView

COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"


class PrimaryCall(NamedTuple):
    """Program of the call, and its instruction under the IDL's name (snake_case); None where no IDL names it."""

    program_id: str | None
    instruction: str | None


def primary_call(view: TransactionView, own: str, registry: IdlRegistry) -> PrimaryCall:
    """The first call of the platform's own program in order of execution, whoever makes it.

    A transaction without one counts under its first top-level program that isn't the compute budget, without a name.
    The program is None where a transaction has no instruction at all. Raises NotATransaction.
    """
    for program, top, inner in _calls(view):
        if program == own:
            return PrimaryCall(own, _instruction(view.raw_data(top, inner), view.slot, own, registry))
    programs = [program for program in view.programs if program != COMPUTE_BUDGET] or view.programs
    return PrimaryCall(programs[0] if programs else None, None)


def _calls(view: TransactionView) -> Iterator[tuple[str, int, int | None]]:
    """(program, top-level index, inner index) of every instruction, in order of execution."""
    for top, program in enumerate(view.programs):
        yield program, top, None
        for inner, called in enumerate(view.inner_programs.get(top, ())):
            yield called, top, inner


def _instruction(data: str | bytes, slot: int | None, program: str, registry: IdlRegistry) -> str | None:
    if isinstance(data, str):
        try:
            data = decode_base58(data)
        except ValueError:
            return None  # emission has told of it
    for idl in registry.lookup(program, slot):
        if (definition := idl.instruction(data)) is not None:
            return definition.name
    return None
