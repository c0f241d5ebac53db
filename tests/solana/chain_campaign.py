"""Seeded campaigns against the RPC server with faults: nothing lost, doubled or invented, and every deletion found.

    python tests/solana/chain_campaign.py faults --runs 200        # half of the runs are killed in the middle
    python tests/solana/chain_campaign.py deletions --runs 100

Both print a table and end with 1 when a single run fell short. `make campaign` runs them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import typer

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
for folder in (str(ROOT), str(HERE)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import chain_runs  # noqa: E402 the folder must be known first

from tests.campaign_kit import (  # noqa: E402 likewise
    First,
    Jobs,
    Outcome,
    Raw,
    Runs,
    collected,
    embedded,
    fault_table,
    fell_short,
    in_child,
)

ATTEMPTS = 2
"""Runs under the same faults before the faults are taken away, as an outage ends."""

CHANCES: dict[str, Callable[[Random], dict[str, Any]]] = {
    "rate_limited": lambda dice: {"share": 0.3, "form": dice.choice(["http", "body", "mixed"])},
    "server_error": lambda dice: {"share": 0.3},
    "hang": lambda dice: {"share": 0.1, "seconds": 3},
    "slow": lambda dice: {"share": 0.3, "seconds": 0.05},
    "half_answer": lambda dice: {"share": 0.3},
    "invalid_json": lambda dice: {"share": 0.3},
    "null_transaction": lambda dice: {"share": 0.2},
    "behind": lambda dice: {"slots": dice.choice([40, 4_000])},
    "omit": lambda dice: {"share": 0.1},
    "duplicates": lambda dice: {},
    "out_of_order": lambda dice: {},
    "batch_partial": lambda dice: {"share": 0.5},
    "no_batch": lambda dice: {},
    "down": lambda dice: {"form": dice.choice(["503", "dropped"])},
}
"""Faults of one provider; each at most once in a run, so that what one leaves out the other one has."""


def plan_faults(seed: int) -> tuple[dict[str, Any], list[str], bool]:
    """(fault configuration, names for the table, whether every provider is down at first) of a seed."""
    dice = Random(f"faults/{seed}")
    if seed % 10 == 9:
        return {"seed": seed, "alpha": {"down": {}}, "beta": {"down": {}}}, ["every provider down"], True
    kinds = dice.sample(sorted(CHANCES), dice.randint(1, 4))
    plan: dict[str, Any] = {"seed": seed, "alpha": {}, "beta": {}}
    for kind in kinds:
        plan[dice.choice(["alpha", "beta"])][kind] = CHANCES[kind](dice)
    return plan, kinds, False


def fault_run(seed: int, served: chain_runs.Served) -> Outcome:
    """Two windows of a day under a seed's faults; every second run is killed once at a seeded instant."""
    plan, kinds, _ = plan_faults(seed)
    dice = Random(f"kill/{seed}")
    kill = seed % 2 == 0
    config = chain_runs.config_of(f"escrow-faults-{seed}", served.url, alpha_timeout=1, beta_timeout=1)
    chain_runs.context(config)
    attempts, recovered = 0, False
    for half in halves(served.window):
        put(served, "chain", {"tip_at": (half.end - timedelta(seconds=4)).isoformat()})
        put(served, "rpc", plan)
        for attempt in range(ATTEMPTS + 1):
            if attempt == ATTEMPTS:
                put(served, "rpc", {})
                recovered = True
            attempts += 1
            is_killed = kill and attempt == 0 and half.start == served.window.start
            if in_child(settled, (config, half), dice.uniform(0.1, 3.0) if is_killed else None):
                break
    put(served, "rpc", {})
    in_child(settled, (config, halves(served.window)[1]), None)  # the next run: whatever was left open is closed by it
    return judged(Outcome(seed, kinds, kill, attempts, recovered), config, served)


def deletion_run(seed: int, served: chain_runs.Served, listings: int) -> Outcome:
    """One transaction is missing from what the first provider serves."""
    dice = Random(f"deletion/{seed}")
    deleted = dice.choice(served.chain.transactions)
    config = chain_runs.config_of(f"escrow-deleted-{listings}-{seed}", served.url, listings=listings)
    chain_runs.context(config)
    put(served, "rpc", {"seed": seed, "alpha": {"omit": {"signatures": [deleted.signature]}}})
    outcome = Outcome(seed, ["omit one"], False, 1)
    if failure := chain_runs.ingest(config, served.window):
        outcome.note = str(failure)
    found = chain_runs.rows(config, "select distinct found_by from raw.solana_disagreements")
    breaks = chain_runs.rows(config, "select count(*) as n from raw.solana_balance_breaks")[0]["n"]
    outcome.faults = [found[0]["found_by"] if found else "not found", f"{breaks} breaks"]
    put(served, "rpc", {})
    return judged(outcome, config, served)


def judged(outcome: Outcome, config: Any, served: chain_runs.Served) -> Outcome:
    """Fill in what the tables hold against what the chain has."""
    true, held = chain_runs.true_events(served.chain), chain_runs.held_events(config)
    signatures = chain_runs.held_signatures(config)
    outcome.compare(true, held)
    outcome.compare(Counter(tx.signature for tx in served.chain.transactions), signatures)
    outcome.broken = chain_runs.open_breaks(config)
    quarantined = chain_runs.rows(config, "select count(*) as n from raw.quarantine")[0]["n"]
    if quarantined:
        outcome.note += f" {quarantined} rows in quarantine"
    if gaps := chain_runs.uncovered(config, served):
        outcome.note += f" not covered to the tip: {gaps}"
    return outcome


def halves(window: Any) -> list[Any]:
    """The window in two."""
    middle = window.start + (window.end - window.start) / 2
    return [type(window)(window.start, middle), type(window)(middle, window.end)]


def put(served: chain_runs.Served, what: str, document: dict[str, Any]) -> None:
    """Change the server's faults or the chain's tip."""
    answer = httpx2.put(f"{served.url}/control/{what}", json=document, timeout=60)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)


def settled(config: Any, window: Any) -> bool:
    """Run the three steps; whether nothing stayed open."""
    from ingestion.solana.rpc import pool as rpc

    rpc._backoff = lambda state: 0.01  # the server is ours and needs no rest
    return chain_runs.ingest(config, window) is None


@contextmanager
def served_beside_a_warehouse() -> Iterator[chain_runs.Served]:
    """A chain that is served, and an embedded warehouse."""
    with embedded(HERE, ["chain_runs", "ingestion.solana.source"]), chain_runs.served() as served:
        yield served


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def faults(first: First = 0, runs: Runs = 200, jobs: Jobs = 2, raw: Raw = False) -> None:
    """Faults of the providers, and a SIGKILL in every second run."""
    outcomes = collected(__file__, ["faults"], (first, runs, jobs, raw), served_beside_a_warehouse, fault_run)
    if not raw:
        print(fault_table(outcomes))
        raise typer.Exit(int(any(not item.is_good for item in outcomes)))


@app.command()
def deletions(first: First = 0, runs: Runs = 100, jobs: Jobs = 2, listings: int = 1, raw: Raw = False) -> None:
    """One transaction deleted from what the first provider serves; `listings` 1: only the balance proof can find it."""
    command = ["deletions", "--listings", str(listings)]
    outcomes = collected(
        __file__,
        command,
        (first, runs, jobs, raw),
        served_beside_a_warehouse,
        lambda seed, served: deletion_run(seed, served, listings),
    )
    if not raw:
        print(deletion_table(outcomes))
        raise typer.Exit(int(any(not item.is_good for item in outcomes)))


def deletion_table(outcomes: list[Outcome]) -> str:
    """How the deleted transactions were found, and whether they came back."""
    counts = Counter(item.faults[0] for item in outcomes)
    lines = ["| found by | runs | repaired |", "|---|---|---|"]
    for how in sorted(counts):
        rows = [item for item in outcomes if item.faults[0] == how]
        lines.append(f"| {how} | {len(rows)} | {sum(item.is_good for item in rows)} |")
    return "\n".join([*lines, *fell_short(outcomes)])


if __name__ == "__main__":
    began = time.monotonic()
    try:
        app()
    finally:
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
