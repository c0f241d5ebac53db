"""What the seeded campaigns share: an embedded warehouse, children that are killed, shares of runs, and the table."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

ROOT = Path(__file__).parents[1]
World = TypeVar("World")

First = Annotated[int, typer.Option(help="First seed.")]
Runs = Annotated[int, typer.Option(help="Number of seeded runs.")]
Jobs = Annotated[int, typer.Option(help="Processes, each with its own warehouse and server.")]
Raw = Annotated[bool, typer.Option("--json", help="Print outcomes as JSON lines instead of the table.")]


@dataclass
class Outcome:
    """How one run ended: `attempts` until nothing was open; `lost`, `doubled`, `invented` count rows or events."""

    seed: int
    faults: list[str]
    killed: bool
    attempts: int
    needed_recovery: bool = False
    lost: int = 0
    doubled: int = 0
    invented: int = 0
    broken: int = 0
    note: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the tables hold exactly what was there."""
        return not (self.lost or self.doubled or self.invented or self.broken or self.note)

    def compare(self, true: Counter, held: Counter) -> None:
        """Count what `held` lacks, has too often, or has though it never was."""
        self.lost += sum((true - held).values())
        self.invented += sum(count for key, count in held.items() if key not in true)
        self.doubled += sum(count - true[key] for key, count in held.items() if key in true and count > true[key])


def in_child(work: Callable[..., bool], arguments: tuple[Any, ...], kill_after: float | None) -> bool:
    """Run `work` in a process of its own; SIGKILL it after so many seconds. Whether it ended well."""
    context = multiprocessing.get_context("forkserver")
    child = context.Process(target=_child, args=(work, arguments, dict(os.environ)))
    child.start()
    child.join(kill_after)
    if child.exitcode is None and kill_after is not None:
        child.kill()
    child.join()
    return child.exitcode == 0


def _child(work: Callable[..., bool], arguments: tuple[Any, ...], environment: dict[str, str]) -> None:
    os.environ.clear()  # the server that forks it was started once, with what the environment was then
    os.environ.update(environment)
    os._exit(0 if work(*arguments) else 1)


@contextmanager
def embedded(folder: Path, preload: Sequence[str]) -> Iterator[None]:
    """An embedded warehouse for this process and its children, which have imported `preload` when they start."""
    from warehouse.config import load_config
    from warehouse.services import SANDBOX_PSEUDONYM_KEY, Services, runtime_environment

    with tempfile.TemporaryDirectory(prefix="campaign-") as home:
        os.environ.update(runtime_environment(Path(home)))
        os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder)])
        with Services(load_config()) as services:
            services.start_warehouse(in_memory=True)
            multiprocessing.get_context("forkserver").set_forkserver_preload(list(preload))
            yield


def collected(
    script: str,
    command: Sequence[str],
    shares: tuple[int, int, int, bool],
    world: Callable[[], AbstractContextManager[World]],
    one: Callable[[int, World], Outcome],
) -> list[Outcome]:
    """Outcomes of (first, runs, jobs, raw): here where jobs is 1 or raw is set, else in processes of this script."""
    first, runs, jobs, raw = shares
    if raw or jobs == 1:
        os.chdir(ROOT)
        outcomes = []
        with world() as served:
            for seed in range(first, first + runs):
                outcomes.append(one(seed, served))
                if raw:
                    print(json.dumps(asdict(outcomes[-1])), flush=True)
        return outcomes
    share = -(-runs // jobs)
    started = [
        subprocess.Popen(
            [
                *(sys.executable, script, *command, "--json"),
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


def fault_table(outcomes: Sequence[Outcome]) -> str:
    """Outcomes by fault; a run with several faults counts in the row of each. Below it the runs that fell short."""
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
    return "\n".join([*lines, *fell_short(outcomes)])


def fell_short(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each run that is not good."""
    return [f"seed {item.seed}: {asdict(item)}" for item in outcomes if not item.is_good]
