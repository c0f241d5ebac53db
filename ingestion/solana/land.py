"""Land a window of the chain: signatures, transactions, balances, and the record of the calls that brought them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from google.cloud.bigquery import ScalarQueryParameter

from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.solana import requests
from ingestion.solana.profile import registry_of
from ingestion.solana.rpc import RpcPool
from ingestion.solana.rpc_answers import Answer
from warehouse.config import Platform
from warehouse.window import Window

CHUNK = 200
"""Transactions of one landed object."""

_HELD = "select signature from raw.solana_transactions where _event_date between @first and @last"
_NO_SUCH_ACCOUNT = -32602


class WindowIncomplete(SourceUnavailable):
    """The window could not be read completely; it stays open for the next run."""


@dataclass(frozen=True)
class _Found:
    """A signature of the window with the places where it was seen."""

    signature: str
    slot: int
    entries: Sequence[tuple[str, dict[str, Any]]]


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """What the chain has for the window and the warehouse does not; the record of the calls comes last, always.

    Raises ConfigError at once where the platform's IDL is missing or doesn't fit its profile; AllProvidersDown or
    WindowIncomplete after the record of the calls: what was yielded before is good.
    """
    registry_of(ctx.config, ctx.profile)
    yield from _unusable(ctx)
    with RpcPool(ctx.config.sources.solana.providers, ctx.secrets, ctx.attempt_id) as pool:
        failure: Exception | None = None
        try:
            yield from _land(window, ctx, pool)
        except Exception as error:
            failure = error
        if pool.calls:
            yield NewObject("rpc_calls", f"{window.slug}/{ctx.attempt_id}", pool.call_lines(), "solana-rpc:calls")
        if failure is not None:
            raise failure


def _land(window: Window, ctx: Context, pool: RpcPool) -> Iterator[NewObject]:
    own = ctx.config.own
    found = _listed(window, own, pool)
    held = _held(window, ctx)
    new = [item for item in found if item.signature not in held]
    if new:
        name = f"{window.slug}/{new[0].signature[:16]}"
        yield NewObject("signatures", name, _signature_lines(new), "solana-rpc:getSignaturesForAddress")
    missing: list[tuple[str, Answer]] = []
    for at in range(0, len(new), CHUNK):
        chunk = [item.signature for item in new[at : at + CHUNK]]
        answers = pool.ask([requests.transaction(signature) for signature in chunk])
        pairs = list(zip(chunk, answers, strict=True))
        missing += [pair for pair in pairs if pair[1].outcome != "ok"]
        lines = [
            {"signature": signature, "response": answer.text} for signature, answer in pairs if answer.outcome == "ok"
        ]
        if lines:
            name = f"{window.slug}/{lines[0]['signature'][:16]}"
            yield NewObject("transactions", name, _ndjson(lines), "solana-rpc:getTransaction")
    if lines := list(_balance_lines(own, pool)):
        yield NewObject("account_balances", window.slug, _ndjson(lines), "solana-rpc:balances")
    if missing:
        listed = ", ".join(f"{signature} ({answer.outcome})" for signature, answer in missing[:5])
        raise WindowIncomplete(f"no provider has {len(missing)} of {len(new)} listed transactions: {listed}")


def _unusable(ctx: Context) -> Iterator[NewObject]:
    """Recorded files that the recorded provider could not serve."""
    if ctx.config.sources.unusable is None:
        return
    prefix = f"{ctx.config.sources.unusable.rstrip('/')}/solana/"
    for uri, _ in ctx.filesystem.list(prefix):
        yield NewObject("unusable", uri.removeprefix(prefix), ctx.filesystem.read(uri), uri)


def _listed(window: Window, own: Platform, pool: RpcPool) -> list[_Found]:
    """Signatures of every watched address in the window, oldest first.

    An entry without block time may be of the window, so it counts as one.
    """
    seen: dict[str, _Found] = {}
    for address in sorted(own.own_addresses()):
        entries = {entry["signature"]: entry for entry in _pages(address, window, pool) if _is_within(entry, window)}
        for entry in reversed(entries.values()):
            before = seen.get(entry["signature"])
            places = [*(before.entries if before else ()), (address, entry)]
            seen[entry["signature"]] = _Found(entry["signature"], entry["slot"], places)
    return sorted(seen.values(), key=lambda item: item.slot)


def _pages(address: str, window: Window, pool: RpcPool) -> Iterator[dict[str, Any]]:
    """Entries of an address, newest first, down to the first one that is older than the window."""
    before: str | None = None
    while True:
        (answer,) = pool.ask([requests.signatures(address, before)])
        if answer.outcome != "ok":
            raise WindowIncomplete(
                f"no provider lists the signatures of {address} ({answer.outcome}, code {answer.code})"
            )
        page = answer.result
        yield from page
        if not page:
            return
        last = min(page, key=lambda entry: entry["slot"]) if _is_out_of_order(page) else page[-1]
        if last["blockTime"] is not None and last["blockTime"] < window.start.timestamp():
            return
        if last["signature"] == before:
            raise WindowIncomplete(f"the signatures of {address} do not end: the same page came twice")
        before = last["signature"]


def _is_out_of_order(page: Sequence[dict[str, Any]]) -> bool:
    return any(later["slot"] > earlier["slot"] for earlier, later in pairwise(page))


def _is_within(entry: dict[str, Any], window: Window) -> bool:
    seconds = entry.get("blockTime")
    return seconds is None or datetime.fromtimestamp(seconds, UTC) in window


def _held(window: Window, ctx: Context) -> set[str]:
    """Signatures of the window's days that raw has already."""
    days = window.days()
    parameters = [ScalarQueryParameter("first", "DATE", days[0]), ScalarQueryParameter("last", "DATE", days[-1])]
    return {row["signature"] for row in ctx.query(_HELD, parameters)}


def _signature_lines(found: Sequence[_Found]) -> bytes:
    by_address: dict[str, list[dict[str, Any]]] = {}
    for item in found:
        for address, entry in item.entries:
            by_address.setdefault(address, []).append(entry)
    return _ndjson({"address": address, "entries": by_address[address]} for address in sorted(by_address))


def _balance_lines(own: Platform, pool: RpcPool) -> Iterator[dict[str, Any]]:
    """Balances of the platform's accounts, each with the block time of its slot."""
    reads = [(vault.address, "vault", "token") for vault in own.vaults]
    reads += [(address, "treasury", "token") for address in own.treasury]
    reads += [(address, "treasury", "native") for address in own.treasury]
    reads += [(address, "fee_payer", "native") for address in own.fee_payers]
    reads.append((own.program_id, "program", "native"))
    tokens = pool.ask([requests.token_balance(address) for address, _, kind in reads if kind == "token"])
    natives = pool.ask([requests.balance(address) for address, _, kind in reads if kind == "native"])
    slots = sorted({answer.result["context"]["slot"] for answer in (*tokens, *natives) if answer.outcome == "ok"})
    times = dict(zip(slots, pool.ask([requests.block_time(slot) for slot in slots]), strict=True))
    for (address, role, kind), answer in zip(reads, (*tokens, *natives), strict=True):
        if answer.outcome == "ok":
            block_time = times[answer.result["context"]["slot"]].result
        elif answer.code != _NO_SUCH_ACCOUNT:
            raise WindowIncomplete(f"no provider tells the balance of {address} ({answer.outcome}, code {answer.code})")
        elif role == "treasury":
            continue  # a treasury may be a wallet: its native balance is read as well
        else:
            block_time = None
        yield {"address": address, "role": role, "kind": kind, "response": answer.text, "block_time": block_time}


def _ndjson(records: Any) -> bytes:
    return b"".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for record in records
    )
