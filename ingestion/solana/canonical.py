"""Decoded events to canonical ones, as the platform's profile says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Unmapped:
    """A mapping that could not be evaluated for an event."""

    ordinal: int
    event: Event
    reason: str


@dataclass
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


def map_event(event: Event, profile: Profile, sources: Sources) -> Iterator[Canonical | Unmapped]:
    """Canonical events of one decoded event, in the profile's order; a zero amount makes none."""
    for ordinal, mapping in enumerate(profile.events):
        if mapping.event != event.name:
            continue
        try:
            mapped = _map(ordinal, mapping, event, profile, sources)
        except MappingError as error:
            yield Unmapped(ordinal, event, f"{mapping.event} -> {mapping.canonical}: {error}")
            continue
        if mapped.amount != 0:
            yield mapped


def _map(ordinal: int, mapping: EventMapping, event: Event, profile: Profile, sources: Sources) -> Canonical:
    is_money = mapping.canonical in MONEY_EVENTS
    amount = _amount(_value(mapping.amount, event, sources)) if is_money else None
    if amount == 0:  # nothing moved: the rest need not be known
        return Canonical(ordinal, event, mapping.canonical, None, None, None, None, None, 0, mapping.classes(), False)
    mint, vault = _text(mapping.mint, event, sources), _text(mapping.vault, event, sources)
    if is_money and (mint is None or vault is None):
        raise MappingError(f"{mapping.mint if mint is None else mapping.vault} is null")
    return Canonical(
        ordinal=ordinal,
        event=event,
        canonical=mapping.canonical,
        escrow=_text(mapping.escrow, event, sources),
        holder=_text(mapping.holder, event, sources),
        mint=mint,
        decimals=sources.decimals_of(mint) if mint is not None else None,
        vault=vault,
        amount=amount,
        classes=mapping.classes(),
        personal_escrow=mapping.escrow is not None and mapping.escrow.rsplit(".", 1)[-1] in profile.personal,
    )


def _text(expression: str | None, event: Event, sources: Sources) -> str | None:
    value = None if expression is None else _value(expression, event, sources)
    if isinstance(value, (dict, list)):
        raise MappingError(f"{expression} is no single value")
    return None if value is None else str(value)


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


def _value(expression: str | None, event: Event, sources: Sources) -> Any:
    scope, _, rest = (expression or "").partition(".")
    match scope:
        case "event":
            return _field(event.data, rest)
        case "account":
            return _account(event, rest, sources.view)
        case "mint_of":
            return sources.mint_of(_account(event, rest, sources.view))
        case "const":
            return rest
    raise MappingError(f"unknown expression {expression!r}")


def _field(data: Any, path: str) -> Any:
    value = data
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise MappingError(f"the event has no field {path!r}")
        value = value[key]
    return value


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
