"""Seeded campaigns against the RPC server with faults: nothing lost, doubled or invented, and every deletion found.

    python tests/solana/chain_campaign.py faults --runs 200        # half of the runs are killed in the middle
    python tests/solana/chain_campaign.py deletions --runs 100

Both print a table and end with 1 when a single run fell short. `make campaign` runs them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any

import httpx2
import typer

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
for folder in (str(ROOT), str(HERE)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import chain_runs  # noqa: E402 the folder must be known first

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


@dataclass
class Outcome:
    """How one run ended. `settled`: attempts until nothing was open; `lost`, `doubled`, `invented` count events."""

    seed: int
    faults: list[str]
    killed: bool
    attempts: int
    needed_recovery: bool
    lost: int
    doubled: int
    invented: int
    broken: int
    note: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the tables hold exactly what the chain has."""
        return not (self.lost or self.doubled or self.invented or self.broken or self.note)


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
            if in_child(config, half, dice.uniform(0.1, 3.0) if is_killed else None):
                break
    put(served, "rpc", {})
    in_child(config, halves(served.window)[1], None)  # the next run: whatever was left open is closed by it
    return judged(Outcome(seed, kinds, kill, attempts, recovered, 0, 0, 0, 0), config, served)


def deletion_run(seed: int, served: chain_runs.Served, listings: int) -> Outcome:
    """One transaction is missing from what the first provider serves."""
    dice = Random(f"deletion/{seed}")
    deleted = dice.choice(served.chain.transactions)
    config = chain_runs.config_of(f"escrow-deleted-{listings}-{seed}", served.url, listings=listings)
    chain_runs.context(config)
    put(served, "rpc", {"seed": seed, "alpha": {"omit": {"signatures": [deleted.signature]}}})
    outcome = Outcome(seed, ["omit one"], False, 1, False, 0, 0, 0, 0)
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
    known = {tx.signature for tx in served.chain.transactions}
    outcome.lost = sum((true - held).values()) + len(known - signatures.keys())
    outcome.invented = sum(count for key, count in held.items() if key not in true) + len(signatures.keys() - known)
    outcome.doubled = sum((held - true).values()) - sum(n for key, n in held.items() if key not in true)
    outcome.doubled += sum(count - 1 for count in signatures.values())
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


def in_child(config: Any, window: Any, kill_after: float | None) -> bool:
    """Run the three steps in a process of their own; SIGKILL it after so many seconds. Whether nothing stayed open."""
    context = multiprocessing.get_context("forkserver")
    child = context.Process(target=_child, args=(config, window))
    child.start()
    child.join(kill_after)
    if child.exitcode is None and kill_after is not None:
        child.kill()
    child.join()
    return child.exitcode == 0


def _child(config: Any, window: Any) -> None:
    from ingestion.solana.rpc import pool as rpc

    rpc._backoff = lambda state: 0.01  # the server is ours and needs no rest
    os._exit(1 if chain_runs.ingest(config, window) else 0)


@contextmanager
def embedded() -> Iterator[None]:
    """An embedded warehouse for this process and its children."""
    from warehouse.config import load_config
    from warehouse.services import SANDBOX_PSEUDONYM_KEY, Services, runtime_environment

    with tempfile.TemporaryDirectory(prefix="campaign-") as home:
        os.environ.update(runtime_environment(Path(home)))
        os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(HERE)])
        with Services(load_config()) as services:
            services.start_warehouse()
            multiprocessing.get_context("forkserver").set_forkserver_preload(["chain_runs", "ingestion.solana.source"])
            yield


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
First = Annotated[int, typer.Option(help="First seed.")]
Runs = Annotated[int, typer.Option(help="Number of seeded runs.")]
Jobs = Annotated[int, typer.Option(help="Processes, each with its own warehouse and server.")]
Raw = Annotated[bool, typer.Option("--json", help="Print outcomes as JSON lines instead of the table.")]


@app.command()
def faults(first: First = 0, runs: Runs = 200, jobs: Jobs = 2, raw: Raw = False) -> None:
    """Faults of the providers, and a SIGKILL in every second run."""
    outcomes = _collected("faults", first, runs, jobs, raw, fault_run)
    if not raw:
        print(fault_table(outcomes))
        raise typer.Exit(int(any(not item.is_good for item in outcomes)))


@app.command()
def deletions(first: First = 0, runs: Runs = 100, jobs: Jobs = 2, listings: int = 1, raw: Raw = False) -> None:
    """One transaction deleted from what the first provider serves; `listings` 1: only the balance proof can find it."""
    options = ["--listings", str(listings)]
    outcomes = _collected(
        "deletions", first, runs, jobs, raw, lambda seed, served: deletion_run(seed, served, listings), options
    )
    if not raw:
        print(deletion_table(outcomes))
        raise typer.Exit(int(any(not item.is_good for item in outcomes)))


def _collected(
    name: str,
    first: int,
    runs: int,
    jobs: int,
    raw: bool,
    one: Callable[[int, chain_runs.Served], Outcome],
    options: Iterable[str] = (),
) -> list[Outcome]:
    if raw or jobs == 1:
        os.chdir(ROOT)
        outcomes = []
        with embedded(), chain_runs.served() as served:
            for seed in range(first, first + runs):
                outcomes.append(one(seed, served))
                if raw:
                    print(json.dumps(asdict(outcomes[-1])), flush=True)
        return outcomes
    share = -(-runs // jobs)
    started = [
        subprocess.Popen(
            [
                *(sys.executable, __file__, name, "--json", *options),
                *("--first", str(at), "--runs", str(min(share, first + runs - at))),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for at in range(first, first + runs, share)
    ]
    lines = [line for process in started for line in process.communicate()[0].splitlines()]
    if any(process.returncode for process in started) or len(lines) != runs:
        raise RuntimeError(f"{len(lines)} of {runs} runs ended")
    return [Outcome(**json.loads(line)) for line in lines]


def fault_table(outcomes: list[Outcome]) -> str:
    """Outcomes by fault; a run with several faults counts in the row of each."""
    by_fault: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for kind in outcome.faults:
            by_fault[kind].append(outcome)
    lines = [
        "| fault | runs | killed | attempts | healed only after the fault ended | lost | doubled | invented | open |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for kind in [*sorted(by_fault), "all runs"]:
        rows = outcomes if kind == "all runs" else by_fault[kind]
        figures = [
            len(rows),
            sum(item.killed for item in rows),
            sum(item.attempts for item in rows),
            sum(item.needed_recovery for item in rows),
            sum(item.lost for item in rows),
            sum(item.doubled for item in rows),
            sum(item.invented for item in rows),
            sum(item.broken + bool(item.note) for item in rows),
        ]
        lines.append(f"| {kind} | {' | '.join(str(figure) for figure in figures)} |")
    return "\n".join([*lines, *_bad(outcomes)])


def deletion_table(outcomes: list[Outcome]) -> str:
    """How the deleted transactions were found, and whether they came back."""
    counts = Counter(item.faults[0] for item in outcomes)
    lines = ["| found by | runs | repaired |", "|---|---|---|"]
    for how in sorted(counts):
        rows = [item for item in outcomes if item.faults[0] == how]
        lines.append(f"| {how} | {len(rows)} | {sum(item.is_good for item in rows)} |")
    return "\n".join([*lines, *_bad(outcomes)])


def _bad(outcomes: list[Outcome]) -> list[str]:
    return [f"seed {item.seed}: {asdict(item)}" for item in outcomes if not item.is_good]


if __name__ == "__main__":
    began = time.monotonic()
    try:
        app()
    finally:
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
