"""Decoded events to canonical ones, as the platform's profile says.

A profile's expressions become functions once (`Mapper`), so that an event costs the look-ups it names and no parsing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.solana.anchor.emission import Event
from ingestion.solana.expressions import (
    MappingError,
    Sources,
    getter,
    name_getter,
    text_getter,
    whole_getter,
    whole_number,
)
from warehouse.profile import MONEY_EVENTS, EventMapping, Profile


@dataclass(slots=True)
class Canonical:
    """One canonical event. `holder` and `arbiter` are still addresses; `amount` is in base units, None for events
    without money; `units` are the platform's own.
    """

    ordinal: int
    event: Event
    canonical: str
    escrow: str | None
    holder: str | None
    mint: str | None
    decimals: int | None
    vault: str | None
    amount: int | None
    classes: tuple[str, str] | None
    personal_escrow: bool
    arbiter: str | None = None
    outcome: str | None = None
    rating: int | None = None
    reason: str | None = None
    units: int | None = None


@dataclass(slots=True)
class Unmapped:
    """A mapping that could not be evaluated for an event."""

    ordinal: int
    event: Event
    reason: str


class Mapper:
    """The events of a profile, compiled."""

    def __init__(self, profile: Profile) -> None:
        self._by_event: dict[str, list[_Compiled]] = {}
        for ordinal, mapping in enumerate(profile.events):
            compiled = _Compiled(ordinal, mapping, frozenset(profile.personal))
            self._by_event.setdefault(mapping.event, []).append(compiled)

    def __call__(self, event: Event, sources: Sources) -> list[Canonical | Unmapped]:
        """Canonical events of one decoded event, in the profile's order; a zero amount makes none."""
        mapped: list[Canonical | Unmapped] = []
        for compiled in self._by_event.get(event.name, ()):
            try:
                canonical = compiled.canonical_of(event, sources)
            except MappingError as error:
                mapped.append(Unmapped(compiled.ordinal, event, f"{event.name} -> {compiled.canonical}: {error}"))
            else:
                if canonical is not None:
                    mapped.append(canonical)
        return mapped


class _Compiled:
    """One mapping of a profile with its expressions as functions."""

    def __init__(self, ordinal: int, mapping: EventMapping, personal: frozenset[str]) -> None:
        self.ordinal, self.canonical, self._written = ordinal, mapping.canonical, mapping
        self._amount = getter(mapping.amount) if mapping.canonical in MONEY_EVENTS else None
        self._mint, self._vault = text_getter(mapping.mint), text_getter(mapping.vault)
        self._escrow, self._holder = text_getter(mapping.escrow), text_getter(mapping.holder)
        self._arbiter, self._outcome = text_getter(mapping.arbiter), name_getter(mapping.outcome)
        self._reason = name_getter(mapping.reason)
        self._rating, self._units = whole_getter(mapping.rating), whole_getter(mapping.units)
        self._classes = mapping.classes()
        self._personal_escrow = mapping.escrow is not None and mapping.escrow.rsplit(".", 1)[-1] in personal

    def canonical_of(self, event: Event, sources: Sources) -> Canonical | None:
        """The canonical event, None where the amount is zero: nothing moved, and the rest need not be known."""
        amount = None
        if self._amount is not None:
            amount = whole_number(self._amount(event, sources), "the amount")
            if amount == 0:
                return None
        mint, vault = self._mint(event, sources), self._vault(event, sources)
        if amount is not None and (mint is None or vault is None):
            raise MappingError(f"{self._written.mint if mint is None else self._written.vault} is null")
        return Canonical(
            self.ordinal,
            event,
            self.canonical,
            self._escrow(event, sources),
            self._holder(event, sources),
            mint,
            None if mint is None else sources.decimals_of(mint),
            vault,
            amount,
            self._classes,
            self._personal_escrow,
            self._arbiter(event, sources),
            self._in_favour(self._outcome(event, sources)),
            self._rating(event, sources),
            self._reason(event, sources),
            self._units(event, sources),
        )

    def _in_favour(self, outcome: str | None) -> str | None:
        if outcome is None:
            return None
        if outcome not in self._written.outcomes:
            raise MappingError(f"outcomes doesn't say in whose favour {outcome!r} is")
        return self._written.outcomes[outcome]
