"""What a profile's expressions give for an event: `event.x`, `account.y`, `mint_of.y`, `const.z`, as functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.solana.anchor.emission import Event
from ingestion.solana.anchor.frames import instruction_at
from ingestion.solana.transaction import TransactionView
from warehouse.config import Mint

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


Getter = Callable[[Event, Sources], Any]
"""A compiled expression; raises MappingError where it has no value."""


def whole_number(value: Any, what: str) -> int:
    """The value as an integer that isn't negative and fits NUMERIC. Raises MappingError, with `what` it is."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise MappingError(f"{what} is no integer") from None
    if number < 0:
        raise MappingError(f"{what} is negative")
    if number > LARGEST_AMOUNT:
        raise MappingError(f"{what} does not fit NUMERIC")
    return number


def text_getter(expression: str | None) -> Getter:
    """The expression's value as text, None for null and where there is no expression."""
    if expression is None:
        return lambda event, sources: None
    value_of = getter(expression)

    def text(event: Event, sources: Sources) -> str | None:
        value = value_of(event, sources)
        if value is None or type(value) is str:
            return value
        if isinstance(value, dict | list):
            raise MappingError(f"{expression} is no single value")
        return str(value)

    return text


def name_getter(expression: str | None) -> Getter:
    """The expression's text, of an enum the name of its variant; what the variant holds may be anything and stays."""
    if expression is None:
        return lambda event, sources: None
    value_of = getter(expression)

    def name(event: Event, sources: Sources) -> str | None:
        value = value_of(event, sources)
        if isinstance(value, dict) and len(value) == 1:
            return next(iter(value))
        if value is None or type(value) is str:
            return value
        raise MappingError(f"{expression} is neither text nor an enum")

    return name


def whole_getter(expression: str | None) -> Getter:
    """The expression's value as a whole number, None for null and where there is no expression."""
    if expression is None:
        return lambda event, sources: None
    value_of = getter(expression)

    def whole(event: Event, sources: Sources) -> int | None:
        value = value_of(event, sources)
        return None if value is None else whole_number(value, expression)

    return whole


def getter(expression: str | None) -> Getter:
    """The expression's value as it is."""
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


def _field_getter(path: str) -> Getter:
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
