"""Whole runs of the Solana source on an embedded warehouse of their own, and what the chain really held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ingestion import run
from ingestion.base import Context
from ingestion.errors import SourceUnavailable
from ingestion.solana import SOURCE
from ingestion.solana.history.coverage import read_coverage
from ingestion.tables import ensure_tables
from sandbox.app import build_app
from sandbox.chain import SimulatedChain
from sandbox.chain_control import ChainControl, ChainSettings
from sandbox.rpc_faults import RpcFaults
from sandbox.serving import running
from sandbox.world import build_world
from warehouse.config import Config, load_config
from warehouse.window import Window

SEED = 11


@dataclass(frozen=True)
class Served:
    """A one-day chain that is being served. `control` moves its tip, `faults` are changed through the server."""

    url: str
    control: ChainControl
    window: Window

    @property
    def chain(self) -> SimulatedChain:
        """Everything there is, also what the tip doesn't show yet."""
        return self.control.chain


@contextmanager
def served(days: int = 1, seed: int = SEED) -> Iterator[Served]:
    """Serve a chain's RPC endpoints on loopback."""
    from sandbox.app import Platform

    world = build_world(days=days, seed=seed)
    control = ChainControl(world, set(), set(), ChainSettings())
    platform = Platform("simulated", control.chain, None, frozenset(), control)
    with running(build_app(platform, RpcFaults())) as url:
        yield Served(url, control, Window(world.start, world.end))


def config_of(name: str, url: str, **solana: Any) -> Config:
    """The project's configuration for a warehouse of that name, reading `url`; `solana` overrides its settings."""
    config = load_config()
    source = config.sources.solana
    providers = [
        provider.model_copy(
            update={
                "url": f"{url}/rpc/{provider.name}",
                "requests_per_second": 100_000,
                "timeout_seconds": solana.pop(f"{provider.name}_timeout", 5),
            }
        )
        for provider in source.providers
    ]
    settings = source.model_copy(update={"providers": providers, **solana})
    return config.model_copy(
        update={
            "project": name,
            "landing": f"{config.landing}/{name}",
            "staging": f"{config.staging}/{name}",
            "sources": config.sources.model_copy(update={"solana": settings}),
        }
    )


def context(config: Config) -> Context:
    """A context whose warehouse has its tables."""
    made = run.context(config)
    ensure_tables(made.client)
    return made


def ingest(config: Config, window: Window) -> SourceUnavailable | None:
    """Land, load and verify a window, as the DAG does; the failure that the window stays open for, if any."""
    failure: SourceUnavailable | None = None
    for step in (run.land, run.load, run.verify):
        try:
            step(SOURCE, window, run.context(config), "test")
        except SourceUnavailable as error:
            failure = failure or error
    return failure


def rows(config: Config, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on a warehouse."""
    return [dict(row) for row in run.context(config).client.query(sql).result()]


def true_events(chain: SimulatedChain) -> Counter[tuple[str, str]]:
    """(signature, event name) of every event that took effect, by the plans that the chain was made from."""
    return Counter(
        (tx.signature, event.name)
        for tx in chain.transactions
        if tx.meta["err"] is None
        for call in tx.plan.calls
        if call.program == "skill_match"
        for event in call.events
    )


def held_events(config: Config) -> Counter[tuple[str, str]]:
    """(signature, event name) of every counted event in raw."""
    found = rows(config, "select signature, event_name from raw.solana_events where status = 'counted'")
    return Counter((row["signature"], row["event_name"]) for row in found)


def held_signatures(config: Config) -> Counter[str]:
    """Transactions in raw, with how often each is there."""
    return Counter(row["signature"] for row in rows(config, "select signature from raw.solana_transactions"))


def open_breaks(config: Config) -> int:
    """Breaks whose slots no later proof found whole."""
    sql = """
        select count(*) as n from raw.solana_balance_breaks as b
        where not exists (
            select 1 from raw.solana_balance_proofs as p
            where p.account = b.account and p.kind = b.kind and p.breaks = 0 and p.proved_at > b.found_at
                and b.before_slot between p.from_slot and p.to_slot
        )
    """
    return rows(config, sql)[0]["n"]


def uncovered(config: Config, served: Served) -> list[str]:
    """Own addresses whose coverage is not one interval up to the chain's tip."""
    held = read_coverage(run.context(config))
    tip = served.control.known().finalized.tip
    return [
        address
        for address in sorted(config.own.own_addresses())
        if len(held.get(address, [])) != 1 or held[address][0].to_slot < tip
    ]
