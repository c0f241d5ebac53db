"""A batch of landed objects -> rows in files to load: in this process, or in several where there is enough to do.

The processes are plain ones, started by `python -m ingestion.workers`, and are spoken to in pickles over their pipes: a
fork of a process with threads may hang, and multiprocessing would import the main module again, which may be Airflow.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from ingestion.base import Context, Dataset, LandedObject
from ingestion.prepare import Prepared, Preparer, Unit
from ingestion.staging import Finished, RowFiles

SEVERAL_BYTES = 16 << 20
"""Received bytes of a batch from which on it is worth a second to start processes."""


def prepare_batch(
    batch: Sequence[LandedObject],
    datasets: Mapping[str, Dataset],
    ctx: Context,
    files: RowFiles,
    loaded_at: datetime,
) -> dict[str, Prepared]:
    """Rows of the batch into `files`; returns what each object, by its address, gave.

    The same rows come out however many processes there are, in another order. Raises ConfigError where a reader can't
    start, WorkerEnded when a process died.
    """
    preparer = Preparer(datasets, ctx, files, loaded_at)
    found = {landed.uri: Prepared() for landed in batch}
    processes = ctx.config.load_processes or _cores()
    if processes > 1 and sum(landed.size_bytes for landed in batch) >= SEVERAL_BYTES:
        setup = _Setup(datasets, replace(ctx, client=None, secrets=_no_secret), loaded_at)
        done = _in_processes(preparer.units(batch), setup, files, processes)
    else:
        done = ((unit.landed.uri, preparer.run(unit)) for unit in preparer.units(batch))
    for uri, prepared in done:
        found[uri].add(prepared)
    for landed in batch:
        preparer.finish(landed, found[landed.uri])
    return found


def _cores() -> int:
    """Cores that this process may use, where the system tells, else those that there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerEnded(RuntimeError):
    """A process that prepares rows ended before its work did."""


@dataclass(frozen=True)
class _Setup:
    """What a process needs to know before its first unit."""

    datasets: Mapping[str, Dataset]
    ctx: Context
    loaded_at: datetime


def _no_secret(name: str) -> None:
    """Preparing rows needs no secret but the key of the pseudonyms, which the context holds."""


def _in_processes(
    units: Iterator[Unit], setup: _Setup, files: RowFiles, processes: int
) -> Iterator[tuple[str, Prepared]]:
    """Each process takes the next unit when it is done with one; a thread here speaks for each."""
    lock = Lock()

    def take() -> Unit | None:
        with lock:
            return next(units, None)

    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(processes))
        workers = [stack.enter_context(_Worker(setup, files.subfolder(str(number)))) for number in range(processes)]
        running = [threads.submit(_feed, worker, take) for worker in workers]
        for feeding in as_completed(running):  # a failure is raised at once, which ends the processes
            done, finished = feeding.result()
            files.adopt(finished)
            yield from done


def _feed(worker: _Worker, take: Callable[[], Unit | None]) -> tuple[list[tuple[str, Prepared]], Finished]:
    done = []
    while (unit := take()) is not None:
        done.append((unit.landed.uri, worker.ask(unit)))
    return done, worker.ask(None)


class _Worker:
    """A process that prepares units; it ends with its input, and so with this process."""

    def __init__(self, setup: _Setup, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-Wignore", "-m", "ingestion.workers"],  # this process has given the warnings already
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._first = (setup, folder)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.__exit__(None, None, None)

    def ask(self, question: Unit | None) -> Any:
        """What a unit gave; for None the finished files."""
        try:
            for message in (*self._first, question):
                pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._first = ()
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError):
            raise WorkerEnded(f"a process that prepares rows ended with {self._process.wait()}") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve() -> None:
    """The other end of a _Worker."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what is printed by accident must not end up in the answers
    questions = sys.stdin.buffer
    gc.set_threshold(100_000, 20, 20)  # records come and go by the thousand and hold no cycles
    setup, folder = pickle.load(questions), pickle.load(questions)
    with RowFiles(folder) as files:
        preparer = Preparer(setup.datasets, setup.ctx, files, setup.loaded_at)
        while (unit := pickle.load(questions)) is not None:
            _answer(answers, lambda unit=unit: preparer.run(unit))
        _answer(answers, files.finish)


def _answer(answers: BinaryIO, work: Callable[[], Any]) -> None:
    try:
        answer = pickle.dumps(work())
    except Exception as error:
        answer = pickle.dumps(error)
    answers.write(answer)
    answers.flush()


if __name__ == "__main__":
    with suppress(EOFError, BrokenPipeError):  # who asked is gone
        _serve()
