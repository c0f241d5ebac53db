"""Land a window of the chain: signatures, transactions, balances, and the record of the calls that brought them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from google.cloud.bigquery import ScalarQueryParameter

from ingestion.base import Context, NewObject
from ingestion.solana.history.balances import balance_lines
from ingestion.solana.history.coverage import (
    Interval,
    between,
    coverage_line,
    gaps,
    merged,
    owed,
    read_intervals,
)
from ingestion.solana.history.disagreements import answer_disagreements, listing_disagreements
from ingestion.solana.history.listing import Entry, Listing, Omission, united
from ingestion.solana.history.pending import pending_lines
from ingestion.solana.history.reader import ChainReader, WindowIncomplete
from ingestion.solana.profile import registry_of
from ingestion.solana.records import instant
from ingestion.solana.rpc.pool import AllProvidersDown, RpcPool
from warehouse.window import Window

_HELD = "select signature from raw.solana_transactions where _event_date between @first and @last"


@dataclass(frozen=True)
class Found:
    """What was listed for an address over one gap of its coverage; covered once the transactions of it are held."""

    address: str
    listings: Sequence[Listing]
    entries: Mapping[str, Entry]
    omissions: Sequence[Omission]

    @classmethod
    def of(cls, address: str, listings: Sequence[Listing]) -> Found:
        """What the listings give together."""
        return cls(address, listings, *united(listings))


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """What the chain has for the window and the warehouse does not; the record of the calls comes last, always.

    Raises ConfigError at once where the platform's IDL is missing or doesn't fit its profile; AllProvidersDown or
    WindowIncomplete after the record of the calls: what was yielded before is good.
    """
    registry_of(ctx.config, ctx.profile)
    yield from _unusable(ctx)
    yield from with_calls(window, ctx, lambda pool: _land(window, ctx, pool))


def with_calls(window: Window, ctx: Context, work: Callable[[RpcPool], Iterator[NewObject]]) -> Iterator[NewObject]:
    """The objects of `work(pool)`, then the record of every call that it made, also when it failed."""
    with RpcPool(ctx.config.sources.solana.providers, ctx.secrets, ctx.attempt_id) as pool:
        failure: Exception | None = None
        try:
            yield from work(pool)
        except Exception as error:
            failure = error
        if pool.calls:
            yield NewObject("rpc_calls", f"{window.slug}/{ctx.attempt_id}", pool.call_lines(), "solana-rpc:calls")
        if failure is not None:
            raise failure


def _land(window: Window, ctx: Context, pool: RpcPool) -> Iterator[NewObject]:
    own = ctx.config.own
    reader = reader_of(ctx, pool)
    if lines := list(balance_lines(own, pool)):  # before the listing, which so reaches at least their slots
        yield NewObject("account_balances", window.slug, ndjson(lines), "solana-rpc:balances")
    held = read_intervals(ctx)
    found = []
    for address in sorted(own.own_addresses()):
        listed = [reader.list(address, gap, window) for gap in gaps(merged(held.get(address, [])), window)]
        found += [Found.of(address, listings) for listings in listed if listings]
        found += _second_looks(ctx, reader, window, address, held.get(address, []))
    yield from landed(window, ctx, reader, found, "cross_listing")
    tip, unfinalized = reader.unfinalized(own.program_id)
    if unfinalized:
        pending = pending_lines(own.program_id, unfinalized, tip, ctx)
        yield NewObject("pending", f"{window.slug}/{ctx.attempt_id}", ndjson(pending), "solana-rpc:confirmed")


def reader_of(ctx: Context, pool: RpcPool) -> ChainReader:
    """A reader that asks healthy providers first. Raises AllProvidersDown when no one answers a probe."""
    health = pool.probe()
    if not any(item.slot is not None for item in health):
        raise AllProvidersDown({item.name: item.reason for item in health})
    order = [item.name for item in sorted(health, key=lambda item: not item.ok)]
    healthy = [item.name for item in health if item.ok]
    return ChainReader(pool, order, ctx.config.sources.solana.listings, healthy)


def landed(
    window: Window, ctx: Context, reader: ChainReader, found: Sequence[Found], found_by: str
) -> Iterator[NewObject]:
    """Objects of what was listed: signatures, transactions, disagreements and, last, the coverage that it gives.

    An interval is covered only where every transaction in it was received. Raises WindowIncomplete for the rest, after
    everything that was received.
    """
    entries: dict[str, Entry] = {}
    for item in found:
        entries = {**item.entries, **entries}
    held = _held(entries.values(), ctx)
    new = sorted((signature for signature in entries if signature not in held), key=lambda key: entries[key]["slot"])
    if new:
        name = f"{window.slug}/{new[0][:16]}"
        yield NewObject("signatures", name, _signature_lines(found, set(new)), "solana-rpc:getSignaturesForAddress")
    disagreements = [line for item in found for line in listing_disagreements(item.address, item.omissions, found_by)]
    missing: dict[str, str] = {}
    for pairs in reader.transactions(new):
        missing |= {signature: answer.outcome for signature, answer in pairs if answer.outcome != "ok"}
        disagreements += answer_disagreements(pairs, entries, "reading")
        lines = [{"signature": key, "response": answer.text} for key, answer in pairs if answer.outcome == "ok"]
        if lines:
            name = f"{window.slug}/{lines[0]['signature'][:16]}"
            yield NewObject("transactions", name, ndjson(lines), "solana-rpc:getTransaction")
    now = datetime.now(UTC)  # a fact about the reading, never an input of a figure
    if disagreements:
        stamped = [line | {"found_at": now.isoformat(), "attempt_id": ctx.attempt_id} for line in disagreements]
        yield NewObject("disagreements", f"{window.slug}/{ctx.attempt_id}-{found_by}", ndjson(stamped), "solana-rpc")
    covered = [
        coverage_line(item.address, listing.interval, len(listing.entries), now, ctx.attempt_id)
        for item in found
        for listing in item.listings
        if not missing.keys() & item.entries.keys()
    ]
    if covered:
        yield NewObject("coverage", f"{window.slug}/{ctx.attempt_id}-{found_by}", ndjson(covered), "solana-rpc")
    if missing:
        listed = ", ".join(f"{signature} ({outcome})" for signature, outcome in list(missing.items())[:5])
        raise WindowIncomplete(f"no provider has {len(missing)} of {len(new)} listed transactions: {listed}")


def _second_looks(
    ctx: Context, reader: ChainReader, window: Window, address: str, intervals: Sequence[Interval]
) -> Iterator[Found]:
    """What other healthy providers list where too few have listed yet, as after a provider's outage."""
    for stretch in owed(intervals, min(reader.listings, len(ctx.config.sources.solana.providers))):
        others = [name for name in reader.healthy if name not in stretch.witnesses]
        if not others:
            continue
        try:
            gap = between(ctx, address, stretch.from_slot, stretch.to_slot)
            listings = reader.list(address, gap, window, others, reader.listings - len(stretch.witnesses))
        except WindowIncomplete:
            continue  # it stays owed; the slots are covered, so no window stays open for it
        if listings:
            found = Found.of(address, listings)
            held = _held(found.entries.values(), ctx)
            omitted = [
                Omission(witness, listings[0].provider, entry)
                for signature, entry in found.entries.items()
                if signature not in held
                for witness in sorted(stretch.witnesses)
            ]
            yield replace(found, omissions=[*found.omissions, *omitted])


def _unusable(ctx: Context) -> Iterator[NewObject]:
    """Recorded files that the recorded provider could not serve."""
    if ctx.config.sources.unusable is None:
        return
    prefix = f"{ctx.config.sources.unusable.rstrip('/')}/solana/"
    for found in ctx.filesystem.list(prefix):
        yield NewObject("unusable", found.uri.removeprefix(prefix), None, found.uri, found.version)


def _held(entries: Iterable[Entry], ctx: Context) -> set[str]:
    """Which of the signatures raw has already."""
    days = sorted(when.date() for entry in entries if (when := instant(entry["blockTime"])) is not None)
    if not days:
        return set()
    parameters = [ScalarQueryParameter("first", "DATE", days[0]), ScalarQueryParameter("last", "DATE", days[-1])]
    return {row["signature"] for row in ctx.query(_HELD, parameters)}


def _signature_lines(found: Sequence[Found], new: Collection[str]) -> bytes:
    by_address: dict[str, dict[str, Entry]] = {}
    for item in found:
        fresh = {signature: entry for signature, entry in item.entries.items() if signature in new}
        by_address.setdefault(item.address, {}).update(fresh)
    return ndjson(
        {"address": address, "entries": sorted(entries.values(), key=lambda entry: entry["slot"])}
        for address, entries in sorted(by_address.items())
        if entries
    )


def ndjson(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Records as lines of JSON."""
    return b"".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for record in records
    )
