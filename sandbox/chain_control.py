"""The simulated chain at a moment of its life: how far it has got, what is not final yet, and what a lost fork took.

control = ChainControl(world, faults=set(), healed=set(), ChainSettings(pending=3))
control.known().finalized.tip
control.change({"tip_at": "2026-10-05T12:00:00Z"})
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sandbox.chain import SimulatedChain, build_chain
from sandbox.chain_ledger import LedgerError
from sandbox.chain_view import Commitments, commitments
from sandbox.extra_plans import STUCK_INDEX, STUCK_TRANSACTION
from sandbox.model import World


class ChainSettingsError(ValueError):
    """Settings that the chain cannot take; the message says why."""


class ChainSettings(BaseModel):
    """What can be set, by the command line and while the sandbox runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tip_at: AwareDatetime | None = Field(default=None, description="the newest slot is that of this instant; None: all")
    pending: int = Field(default=0, ge=0, description="so many of the last transactions are only confirmed")
    dropped: tuple[str, ...] = Field(default=(), description="signatures that a lost fork took with it")


def read_settings(document: Any) -> ChainSettings:
    """Settings in a parsed JSON document. Raises ChainSettingsError."""
    try:
        return ChainSettings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ChainSettingsError(f"chain settings: {place}: {first['msg']}") from error


class ChainControl:
    """A world's chain under changing settings. Raises ChainSettingsError for settings that do not fit the chain."""

    def __init__(self, world: World, faults: Collection[str], healed: Collection[str], settings: ChainSettings) -> None:
        self._world, self._faults, self._healed = world, frozenset(faults), frozenset(healed)
        self._index = {tx.signature: tx.plan.index for tx in build_chain(world, faults, healed).transactions}
        self._put(settings)

    def known(self) -> Commitments:
        """What a healthy node knows now."""
        return self._known

    def change(self, document: Any) -> None:
        """Set what the document names; the rest stays, null goes back to the default. All of it or nothing.

        A transaction can only be dropped while it is not final. Raises ChainSettingsError.
        """
        if not isinstance(document, dict):
            raise ChainSettingsError("chain settings: the document: not an object")
        kept = {name: value for name, value in self._settings.model_dump().items() if name not in document}
        named = {name: value for name, value in document.items() if value is not None}
        settings = read_settings({**kept, **named})
        for signature in settings.dropped:
            if signature not in self._settings.dropped and self._known.status(signature) == "finalized":
                raise ChainSettingsError(f"chain settings: dropped: {signature} is final and cannot be dropped")
        self._put(settings)

    def describe(self) -> dict[str, Any]:
        """The settings and what they come to, as values of JSON."""
        known = self._known
        rows = [row.signature for row in self.chain.rows]
        return {
            **self._settings.model_dump(mode="json"),
            "confirmed_slot": known.confirmed.tip,
            "finalized_slot": known.finalized.tip,
            "only_confirmed": [signature for signature in rows if known.status(signature) == "confirmed"],
        }

    def _put(self, settings: ChainSettings) -> None:
        unknown = [signature for signature in settings.dropped if signature not in self._index]
        if unknown:
            raise ChainSettingsError(f"chain settings: dropped: the chain has no {unknown[0]}")
        if settings.tip_at is not None and settings.tip_at < self._world.start:
            raise ChainSettingsError(f"chain settings: tip_at: the chain begins at {self._world.start.isoformat()}")
        without = {self._index[signature] for signature in settings.dropped}
        try:
            chain = build_chain(self._world, self._faults, self._healed, without)
        except LedgerError as error:
            raise ChainSettingsError(f"chain settings: dropped: a later {error} without it") from error
        self.chain: SimulatedChain = chain
        tip = chain.tip if settings.tip_at is None else self._world.slot_at(settings.tip_at)
        stuck = [tx.signature for tx in chain.transactions if tx.plan.index == STUCK_INDEX]
        self._known = commitments(chain, chain.rows, tip, settings.pending, stuck if self._is_stuck else ())
        self._settings = settings

    @property
    def _is_stuck(self) -> bool:
        return STUCK_TRANSACTION in self._faults
