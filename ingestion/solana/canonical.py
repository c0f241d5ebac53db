"""Decoded events to canonical ones, as the platform's profile says.

A profile's expressions become functions once (`Mapper`), so that an event costs the look-ups it names and no parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.solana.anchor.emission import Event
from ingestion.solana.anchor.frames import instruction_at
from ingestion.solana.transaction import TransactionView
from warehouse.config import Mint
from warehouse.profile import MONEY_EVENTS, EventMapping, Profile

LARGEST_AMOUNT = 10**29 - 1
"""Integer part of BigQuery's NUMERIC."""

UNKNOWN_MINT = "unknown:"
"""Prefix of the stand-in for a mint that nothing names: one vault's amounts stay together, apart from all others."""

_TOKEN_PROGRAMS = ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
_INITIALIZE = {1, 16, 18}  # InitializeAccount, InitializeAccount2 and 3: accounts [account, mint, ...]
_TRANSFER_CHECKED = 12  # accounts [source, mint, destination, ...]


class MappingError(ValueError):
    """A profile expression has no value for this event; the message says which and why."""


@dataclass(slots=True)
class Canonical:
    """One canonical event. `holder` is still the wallet; `amount` is in base units, None for events without money."""

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


@dataclass(slots=True)
class Unmapped:
    """A mapping that could not be evaluated for an event."""

    ordinal: int
    event: Event
    reason: str


@dataclass(slots=True)
class Sources:
    """What expressions may refer to besides the event: the transaction, and mints that the configuration knows."""

    view: TransactionView
    vault_mints: Mapping[str, str]
    mints: Mapping[str, Mint]
    _mints: dict[str, str] | None = field(default=None, repr=False)

    def mint_of(self, account: str) -> str:
        """Mint of a token account: by the transaction's balances and token instructions, else the configuration."""
        if self._mints is None:
            self._mints = {**self.vault_mints, **dict(_instructed_mints(self.view))}
            self._mints.update({balance.account: balance.mint for balance in self.view.token_balances})
        return self._mints.get(account, UNKNOWN_MINT + account)

    def decimals_of(self, mint: str) -> int | None:
        """Decimals of a mint, None where neither the transaction nor the configuration has them."""
        for balance in self.view.token_balances:
            if balance.mint == mint:
                return balance.decimals
        return self.mints[mint].decimals if mint in self.mints else None


_Getter = Callable[[Event, Sources], Any]
"""A compiled expression; raises MappingError where it has no value."""


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
        self._amount = _getter(mapping.amount) if mapping.canonical in MONEY_EVENTS else None
        self._mint, self._vault = _text_getter(mapping.mint), _text_getter(mapping.vault)
        self._escrow, self._holder = _text_getter(mapping.escrow), _text_getter(mapping.holder)
        self._classes = mapping.classes()
        self._personal_escrow = mapping.escrow is not None and mapping.escrow.rsplit(".", 1)[-1] in personal

    def canonical_of(self, event: Event, sources: Sources) -> Canonical | None:
        """The canonical event, None where the amount is zero: nothing moved, and the rest need not be known."""
        amount = None
        if self._amount is not None:
            amount = _amount(self._amount(event, sources))
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
        )


def _amount(value: Any) -> int:
    try:
        amount = int(value)
    except (TypeError, ValueError):
        raise MappingError("the amount is no integer") from None
    if amount < 0:
        raise MappingError("the amount is negative")
    if amount > LARGEST_AMOUNT:
        raise MappingError("the amount does not fit NUMERIC")
    return amount


def _text_getter(expression: str | None) -> _Getter:
    """The expression's value as text, None for null and where there is no expression."""
    if expression is None:
        return lambda event, sources: None
    value_of = _getter(expression)

    def text(event: Event, sources: Sources) -> str | None:
        value = value_of(event, sources)
        if value is None or type(value) is str:
            return value
        if isinstance(value, dict | list):
            raise MappingError(f"{expression} is no single value")
        return str(value)

    return text


def _getter(expression: str | None) -> _Getter:
    scope, _, rest = (expression or "").partition(".")
    match scope:
        case "event":
            return _field_getter(rest)
        case "account":
            return lambda event, sources: _account(event, rest, sources.view)
        case "mint_of":
            return lambda event, sources: sources.mint_of(_account(event, rest, sources.view))
        case "const":
            return lambda event, sources: rest

    def unknown(event: Event, sources: Sources) -> Any:
        raise MappingError(f"unknown expression {expression!r}")

    return unknown


def _field_getter(path: str) -> _Getter:
    keys = path.split(".")

    def field_of(event: Event, sources: Sources) -> Any:
        value: Any = event.data
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            raise MappingError(f"the event has no field {path!r}") from None
        return value

    return field_of


def _account(event: Event, name: str, view: TransactionView) -> str:
    """Account of the emitting instruction, by its name in the IDL."""
    if event.emitter is None:
        raise MappingError(f"account.{name}: the emitting instruction is unknown")
    instruction = instruction_at(event.emitter, view.instructions, view.inner)
    definition = event.idl.instruction(instruction.data)
    if definition is None:
        raise MappingError(f"account.{name}: the emitting instruction is not in the IDL")
    if name not in definition.accounts:
        raise MappingError(f"account.{name}: {definition.name} has no such account")
    at = definition.accounts.index(name)
    if at >= len(instruction.accounts):
        raise MappingError(
            f"account.{name}: {definition.name} was called with {len(instruction.accounts)} accounts only"
        )
    account = instruction.accounts[at]
    if name in definition.optional and account == event.program_id:
        raise MappingError(f"account.{name}: the optional account is absent")
    return account


def _instructed_mints(view: TransactionView) -> Iterator[tuple[str, str]]:
    """(token account, mint) pairs that the token program's instructions of this transaction state."""
    for item in [*view.instructions, *(item for top in sorted(view.inner) for item in view.inner[top])]:
        if item.program_id not in _TOKEN_PROGRAMS:
            continue
        if item.parsed is not None:
            info = item.parsed.get("info", {})
            if info.get("mint"):
                yield from ((info[key], info["mint"]) for key in ("account", "source", "destination") if info.get(key))
        elif item.data and item.data[0] in _INITIALIZE and len(item.accounts) > 1:
            yield item.accounts[0], item.accounts[1]
        elif item.data and item.data[0] == _TRANSFER_CHECKED and len(item.accounts) > 2:
            yield item.accounts[0], item.accounts[1]
            yield item.accounts[2], item.accounts[1]
