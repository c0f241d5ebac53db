"""Rows of one transaction: itself, balances, events and canonical events, in clear only what is the platform's own.

Most of a load's time is spent here and in what this calls. What does not change from one transaction to the next (the
compiled profile, the own addresses, pseudonyms of wallets that come again and again) is worked out once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

import orjson

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.anchor.emission import Event, Finding, extract
from ingestion.solana.anchor.rebuild import rebuilt_events
from ingestion.solana.canonical import Canonical, Mapper, Unmapped
from ingestion.solana.expressions import Sources
from ingestion.solana.primary_call import primary_call
from ingestion.solana.profile import registry_of
from ingestion.solana.transaction import NotATransaction, TransactionView
from warehouse.config import Platform

WALLET = "wallet"
"""Kind of the pseudonym of a user's account."""

PSEUDONYMS_KEPT = 20_000
"""Wallets whose pseudonym is remembered: bounded, so that memory does not grow with the number of users."""

Columns = dict[str, Any]


class TransactionRows:
    """Makes the rows of the transactions of one landed object. Raises ConfigError for an IDL that can't be used."""

    def __init__(self, landed: LandedObject, ctx: Context) -> None:
        own = ctx.config.own
        self._landed = landed
        self._profile = ctx.profile.name
        self._registry = registry_of(ctx.config, ctx.profile)
        self._rules = ctx.profile.rebuild
        self._mapper = Mapper(ctx.profile)
        self._mints = ctx.config.mints
        self._personal = frozenset(ctx.profile.personal)
        self._program = own.program_id
        self._own = frozenset(own.own_addresses())
        self._native_kinds = _native_kinds(own)
        self._vaults = frozenset(vault.address for vault in own.vaults)
        self._vault_mints = {vault.address: vault.mint for vault in own.vaults}
        self._treasury = frozenset(own.treasury)
        self._arbiters = frozenset(own.arbiters)
        self._pseudonym = lru_cache(maxsize=PSEUDONYMS_KEPT)(lambda address: ctx.pseudonym(address, WALLET))

    def rows(self, view: TransactionView, line: int) -> list[Row]:
        """Rows of a transaction that has a slot and a block time; what could not be decoded or mapped is among them.

        Raises NotATransaction, and one of SHAPE_ERRORS where the answer is not shaped as documented.
        """
        assert view.block_time is not None
        when = view.block_time.isoformat()  # always of UTC: see view_of
        common = {
            "signature": view.signature,
            "slot": view.slot,
            "block_time": f"{when[:-6]}Z",
            "_line": line,
            "_event_date": when[:10],
        }
        found = extract(view, self._registry)
        events = found.events
        if view.log_truncated:
            events += rebuilt_events(view, events, self._registry, self._program, self._rules)
        sources = Sources(view, self._vault_mints, self._mints)
        mapped = [
            item for event in events if event.program_id == self._program for item in self._mapper(event, sources)
        ]
        canonical = [item for item in mapped if type(item) is Canonical]
        event_vaults = {item.vault for item in canonical if item.vault is not None}

        rows = [self._transaction_row(view, common)]
        if view.token_balances:
            rows += self._balance_rows(view, common, event_vaults)
        rows += self._native_rows(view, common)
        rows += [self._event_row(event, common) for event in events]
        rows += [self._canonical_row(item, common) for item in canonical]
        rows += [self._finding_row(finding, common) for finding in found.findings]
        rows += [self._unmapped_row(item, common) for item in mapped if type(item) is Unmapped]
        return rows

    def _hidden(self, address: str | None, event_vaults: set[str]) -> str | None:
        """A platform address as it is, any other under its pseudonym."""
        return address if address in self._own or address in event_vaults else self._pseudonym(address)

    def _transaction_row(self, view: TransactionView, common: Columns) -> Row:
        counted = primary_call(view, self._program, self._registry)
        return "solana_transactions", {
            **common,
            "success": view.success,
            "error": None if view.success else _json(view.error),
            "fee_payer": self._hidden(view.account_keys[0], set()),
            "fee_lamports": str(view.fee),
            "compute_units": view.compute_units,
            "version": view.version,
            "encoding": view.encoding,
            "log_truncated": view.log_truncated,
            "programs": _json(view.programs),
            "program_id": counted.program_id,
            "instruction": counted.instruction,
        }

    def _balance_rows(self, view: TransactionView, common: Columns, event_vaults: set[str]) -> list[Row]:
        rows: list[Row] = []
        for account, owner, mint, decimals, pre, post in view.token_balances:
            if account in self._vaults or account in event_vaults:
                kind = "vault"
            else:
                kind = "treasury" if account in self._treasury else "other"
            columns = {
                **common,
                "success": view.success,
                "account": self._hidden(account, event_vaults),
                "owner": self._hidden(owner, event_vaults),
                "mint": mint,
                "decimals": decimals,
                "pre_amount": None if pre is None else str(pre),
                "post_amount": None if post is None else str(post),
                "account_kind": kind,
            }
            rows.append(("solana_token_balances", columns))
        return rows

    def _native_rows(self, view: TransactionView, common: Columns) -> list[Row]:
        """Lamports of the platform's own accounts around the transaction, whether it changed them or not."""
        kinds, pre, post = self._native_kinds, view.pre_lamports, view.post_lamports
        known = min(len(pre), len(post))
        rows: list[Row] = []
        for at, account in enumerate(view.account_keys):
            if account not in kinds or at >= known:
                continue
            if type(pre[at]) is not int or type(post[at]) is not int:
                raise NotATransaction(f"the lamports of account {at} are no integers")
            columns = {
                **common,
                "success": view.success,
                "account": account,
                "account_kind": kinds[account],
                "pre_lamports": str(pre[at]),
                "post_lamports": str(post[at]),
            }
            rows.append(("solana_native_balances", columns))
        return rows

    def _event_row(self, event: Event, common: Columns) -> Row:
        signature = common["signature"]
        return "solana_events", {
            **common,
            "event_key": event_key(signature, event.channel, event.position),
            "program_id": event.program_id,
            "event_name": event.name,
            "channel": event.channel,
            "position": event.position,
            "duplicate_of": None if event.duplicate_of is None else event_key(signature, "log", event.duplicate_of),
            "status": event.status,
            "data": _json(hide_personal(event.data, self._personal, self._pseudonym)),
            "trailing_hex": event.trailing.hex() or None,
            "idl": event.idl.label,
        }

    def _canonical_row(self, item: Canonical, common: Columns) -> Row:
        event = item.event
        key = event_key(common["signature"], event.channel, event.position)
        from_class, to_class = item.classes or (None, None)
        return "canonical_events", {
            **common,
            "canonical_key": f"{key}:{item.ordinal}",
            "event_key": key,
            "ordinal": item.ordinal,
            "program_id": event.program_id,
            "event_name": event.name,
            "canonical_event": item.canonical,
            "escrow_id": self._pseudonym(item.escrow) if item.personal_escrow else item.escrow,
            "holder": self._pseudonym(item.holder),
            "mint": item.mint,
            "decimals": item.decimals,
            "vault": item.vault,
            "amount": None if item.amount is None else str(item.amount),
            "from_class": from_class,
            "to_class": to_class,
            "arbiter": item.arbiter if item.arbiter in self._arbiters else self._pseudonym(item.arbiter),
            "outcome": item.outcome,
            "rating": item.rating,
            "reason": item.reason,
            "units": None if item.units is None else str(item.units),
            "status": event.status,
            "profile": self._profile,
        }

    def _finding_row(self, finding: Finding, common: Columns) -> Row:
        position = f"{finding.channel}:{finding.position}"
        return self._quarantined(common, finding.code, finding.reason, finding.raw, position, finding.program_id)

    def _unmapped_row(self, item: Unmapped, common: Columns) -> Row:
        event = item.event
        position = f"{event.channel}:{event.position}:{item.ordinal}"
        return self._quarantined(common, "mapping_failed", item.reason, event.payload, position, event.program_id)

    def _quarantined(
        self, common: Columns, code: str, reason: str, raw: bytes, position: str, program_id: str | None
    ) -> Row:
        return quarantine_row(
            self._landed,
            common["_line"],
            code,
            reason,
            raw,
            position=position,
            program_id=program_id,
            signature=common["signature"],
            event_date=date.fromisoformat(common["_event_date"]),
        )


def _native_kinds(own: Platform) -> dict[str, str]:
    """The platform's own addresses and what each is; an address in two roles is the one that holds users' money."""
    return {
        own.program_id: "program",
        **dict.fromkeys(own.fee_payers, "fee_payer"),
        **dict.fromkeys(own.treasury, "treasury"),
        **dict.fromkeys((vault.address for vault in own.vaults), "vault"),
    }


def event_key(signature: str, channel: str, position: str) -> str:
    """Key of an event: signature:channel:position."""
    return f"{signature}:{channel}:{position}"


def hide_personal(
    value: Any, personal: frozenset[str], pseudonym: Callable[[str], str | None], is_personal: bool = False
) -> Any:
    """A copy of decoded data with every text below a personal field, at any depth, under its pseudonym."""
    kind = type(value)
    if kind is dict:
        hidden = {}
        for key, item in value.items():
            below = is_personal or key in personal
            if type(item) is str:  # most fields are: no call for those
                hidden[key] = pseudonym(item) if below else item
            else:
                hidden[key] = hide_personal(item, personal, pseudonym, below)
        return hidden
    if kind is list:
        return [hide_personal(item, personal, pseudonym, is_personal) for item in value]
    return pseudonym(value) if is_personal and kind is str else value


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested deeper than orjson goes
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
