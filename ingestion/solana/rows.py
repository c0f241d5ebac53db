"""Landed transactions to raw rows: a pure function of the landed object, the IDL and the configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

import orjson

from ingestion.base import Context, LandedObject, Row
from ingestion.privacy import Pseudonymizer
from ingestion.quarantine import quarantine_row
from ingestion.solana.anchor.emission import Event, Finding, extract
from ingestion.solana.anchor.idl import IdlRegistry
from ingestion.solana.answers import Unusable, parse_json, transactions_of
from ingestion.solana.canonical import Canonical, Sources, Unmapped, map_event
from ingestion.solana.profile import registry_of
from ingestion.solana.transaction import NotATransaction, TransactionView, view_of
from warehouse.config import Config
from warehouse.profile import Profile
from warehouse.window import format_instant

WALLET = "wallet"
"""Kind of the pseudonym of a user's account."""


@dataclass(frozen=True)
class _Platform:
    """What rows of every transaction need."""

    config: Config
    profile: Profile
    registry: IdlRegistry
    pseudonym: Pseudonymizer
    own: frozenset[str]

    @classmethod
    def of(cls, ctx: Context) -> _Platform:
        registry = registry_of(ctx.config, ctx.profile)
        return cls(ctx.config, ctx.profile, registry, ctx.pseudonym, frozenset(ctx.config.own.own_addresses()))

    def hidden(self, address: str | None, also_own: frozenset[str] = frozenset()) -> str | None:
        """A platform address as it is, any other under its pseudonym."""
        return address if address in self.own or address in also_own else self.pseudonym(address, WALLET)


def prepare_transactions(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON lines {"signature", "response"}: `response` is a getTransaction answer, as received."""
    platform = _Platform.of(ctx)
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            signature, view = _read(line)
        except Unusable as error:
            yield quarantine_row(landed, number, error.code, str(error), line.rstrip(b"\n"))
            continue
        if view.block_time is None or view.slot is None:
            missing = "block time" if view.slot is not None else "slot"
            reason = f"the transaction has no {missing}, so it belongs to no day"
            yield quarantine_row(landed, number, "no_block_time", reason, line.rstrip(b"\n"), signature=signature)
            continue
        try:
            yield from list(_transaction_rows(landed, number, view, platform))
        except NotATransaction as error:  # found where it was needed, such as instruction data that is not base58
            reason = str(error)
            yield quarantine_row(landed, number, "not_a_transaction", reason, line.rstrip(b"\n"), signature=signature)


def _read(line: bytes) -> tuple[str, TransactionView]:
    record = parse_json(line)
    if not isinstance(record, dict) or not isinstance(record.get("response"), str):
        raise Unusable("not_an_answer", "the line is no {signature, response} record")
    recorded = list(transactions_of(parse_json(record["response"])))
    if len(recorded) != 1:
        raise Unusable("not_an_answer", f"the answer holds {len(recorded)} transactions, not one")
    try:
        view = view_of(recorded[0].result, block_time=recorded[0].block_time)
    except NotATransaction as error:
        raise Unusable("not_a_transaction", str(error)) from None
    if record.get("signature") not in (None, view.signature):
        raise Unusable("other_transaction", "the answer is that of another transaction")
    return view.signature, view


def _transaction_rows(landed: LandedObject, line: int, view: TransactionView, platform: _Platform) -> Iterator[Row]:
    assert view.block_time is not None
    when = format_instant(view.block_time)
    common = {
        "signature": view.signature,
        "slot": view.slot,
        "block_time": when,
        "_line": line,
        "_event_date": view.block_time.date().isoformat(),
    }
    yield (
        "solana_transactions",
        common
        | {
            "success": view.success,
            "error": None if view.success else orjson.dumps(view.error).decode(),
            "fee_payer": platform.hidden(view.account_keys[0]),
            "fee_lamports": str(view.fee),
            "compute_units": view.compute_units,
            "version": view.version,
            "encoding": view.encoding,
            "log_truncated": view.log_truncated,
            "programs": orjson.dumps([item.program_id for item in view.instructions]).decode(),
        },
    )
    found = extract(view, platform.registry)
    vault_mints = {vault.address: vault.mint for vault in platform.config.own.vaults}
    sources = Sources(view, vault_mints, platform.config.mints)
    mapped = [item for event in found.events for item in map_event(event, platform.profile, sources)]
    canonical = [item for item in mapped if isinstance(item, Canonical)]
    vaults = frozenset(item.vault for item in canonical if item.vault is not None)
    yield from _balance_rows(view, platform, common, vaults)
    for event in found.events:
        yield "solana_events", common | _event_columns(event, view, platform)
    for item in canonical:
        yield "canonical_events", common | _canonical_columns(item, view, platform)
    day = view.block_time.date()
    for finding in found.findings:
        yield _finding_row(landed, line, finding, view.signature, day)
    for item in mapped:
        if isinstance(item, Unmapped):
            yield _unmapped_row(landed, line, item, view.signature, day)


def _balance_rows(
    view: TransactionView, platform: _Platform, common: dict[str, Any], event_vaults: frozenset[str]
) -> Iterator[Row]:
    vaults = event_vaults | {vault.address for vault in platform.config.own.vaults}
    treasury = set(platform.config.own.treasury)
    for balance in view.token_balances:
        kind = "vault" if balance.account in vaults else "treasury" if balance.account in treasury else "other"
        yield (
            "solana_token_balances",
            common
            | {
                "success": view.success,
                "account": platform.hidden(balance.account, event_vaults),
                "owner": platform.hidden(balance.owner, event_vaults),
                "mint": balance.mint,
                "decimals": balance.decimals,
                "pre_amount": None if balance.pre is None else str(balance.pre),
                "post_amount": None if balance.post is None else str(balance.post),
                "account_kind": kind,
            },
        )


def event_key(signature: str, channel: str, position: str) -> str:
    """Key of an event: signature:channel:position."""
    return f"{signature}:{channel}:{position}"


def _event_columns(event: Event, view: TransactionView, platform: _Platform) -> dict[str, Any]:
    twin = None if event.duplicate_of is None else event_key(view.signature, "log", event.duplicate_of)
    data = hide_personal(event.data, frozenset(platform.profile.personal), platform.pseudonym)
    return {
        "event_key": event_key(view.signature, event.channel, event.position),
        "program_id": event.program_id,
        "event_name": event.name,
        "channel": event.channel,
        "position": event.position,
        "duplicate_of": twin,
        "status": event.status,
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        "trailing_hex": event.trailing.hex() or None,
        "idl": event.idl.label,
    }


def hide_personal(value: Any, personal: frozenset[str], pseudonym: Pseudonymizer, is_personal: bool = False) -> Any:
    """A copy of decoded data with every text below a personal field, at any depth, under its pseudonym."""
    if isinstance(value, dict):
        return {
            key: hide_personal(item, personal, pseudonym, is_personal or key in personal) for key, item in value.items()
        }
    if isinstance(value, list):
        return [hide_personal(item, personal, pseudonym, is_personal) for item in value]
    return pseudonym(value, WALLET) if is_personal and isinstance(value, str) else value


def _canonical_columns(item: Canonical, view: TransactionView, platform: _Platform) -> dict[str, Any]:
    event = item.event
    key = event_key(view.signature, event.channel, event.position)
    from_class, to_class = item.classes or (None, None)
    return {
        "canonical_key": f"{key}:{item.ordinal}",
        "event_key": key,
        "ordinal": item.ordinal,
        "program_id": event.program_id,
        "event_name": event.name,
        "canonical_event": item.canonical,
        "escrow_id": platform.pseudonym(item.escrow, WALLET) if item.personal_escrow else item.escrow,
        "holder": platform.pseudonym(item.holder, WALLET),
        "mint": item.mint,
        "decimals": item.decimals,
        "vault": item.vault,
        "amount": None if item.amount is None else str(item.amount),
        "from_class": from_class,
        "to_class": to_class,
        "status": event.status,
        "profile": platform.profile.name,
    }


def _finding_row(landed: LandedObject, line: int, finding: Finding, signature: str, day: date) -> Row:
    return quarantine_row(
        landed,
        line,
        finding.code,
        finding.reason,
        finding.raw,
        position=f"{finding.channel}:{finding.position}",
        program_id=finding.program_id,
        signature=signature,
        event_date=day,
    )


def _unmapped_row(landed: LandedObject, line: int, item: Unmapped, signature: str, day: date) -> Row:
    event = item.event
    return quarantine_row(
        landed,
        line,
        "mapping_failed",
        item.reason,
        event.payload,
        position=f"{event.channel}:{event.position}:{item.ordinal}",
        program_id=event.program_id,
        signature=signature,
        event_date=day,
    )


def prepare_unusable(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """One quarantine row for a recorded file that could not be served, with the reason."""
    content = stream.read()
    code, reason = "not_served", "the file holds answers, but no transaction that a provider can serve"
    try:
        for recorded in transactions_of(parse_json(content)):
            view = view_of(recorded.result, block_time=recorded.block_time)
            if view.slot is None:
                code, reason = "no_slot", "a getBlock answer does not state its slot"
            elif view.block_time is None:
                code, reason = "no_block_time", "the transaction has no block time, so it belongs to no day"
    except Unusable as error:
        code, reason = error.code, str(error)
    except NotATransaction as error:
        code, reason = "not_a_transaction", str(error)
    yield quarantine_row(landed, 1, code, reason, content)
