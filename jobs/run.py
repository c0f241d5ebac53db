"""`make run`: the hourly jobs and the nightly job through Airflow, over one window, with progress and a summary."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from google.cloud import bigquery
from rich.console import Console

from ingestion.sources import NAMES
from warehouse.config import Config, ConfigError, load_config
from warehouse.services import Services, runtime_environment
from warehouse.window import Window, format_instant

DAGS = (*(f"ingest_{name}" for name in NAMES), "transform_hourly", "nightly_close")
"""In the order that the data flows; on a schedule the assets see to it."""


class Busy(RuntimeError):
    """Another run uses the same folder."""


@dataclass
class Outcome:
    """How a run ended: its window, and the tasks that failed by DAG."""

    window: Window
    started_at: datetime
    failed: dict[str, list[str]] = field(default_factory=dict)


def prepare_environment(recording: Path | None = None) -> Config:
    """Point every tool at <home> and read the configuration. Call before Airflow is imported. Raises ConfigError.

    A recording gets a home of its own below <home>: its data and the simulation's never meet.
    """
    home = Path(os.environ.get("WAREHOUSE_HOME") or load_config().embedded.home)
    if recording is not None:
        mark = hashlib.sha256(str(recording.resolve()).encode()).hexdigest()[:8]
        home = home / "recorded" / f"{recording.resolve().name}-{load_config().platform}-{mark}"
    os.environ.update(runtime_environment(home))
    os.environ.setdefault("WAREHOUSE_TASK_RETRIES", "0")  # a person waits: the sources' own retries are enough
    for folder in ("logs", "airflow"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return load_config()


def run(
    faults: Sequence[str] = (),
    recording: Path | None = None,
    window: Window | None = None,
    console: Console | None = None,
) -> Outcome:
    """Run every DAG once over the window (the sandbox's own dates by default).

    Raises ConfigError, Busy, ServiceFailed. A failed task doesn't raise: it is in the outcome.
    """
    console = console or Console(file=os.fdopen(os.dup(1), "w"))  # its own descriptor: steps redirect the process's
    config = prepare_environment(recording)
    with alone(config.embedded.home), Services(config) as services:
        step = _steps(console)
        if config.target == "embedded":
            with step("embedded warehouse"):
                services.start_warehouse()
            with step("sandbox"):
                state = services.start_sandbox(faults, recording)
                config = load_config()  # the sandbox's address is known only now
                window = window or Window.parse(state["window"]["start"], state["window"]["end"])
        if window is None:
            raise ConfigError("a run against BigQuery needs --start and --end")
        with step("Airflow's metadata and the warehouse's tables"):
            prepare_stores(config)
        outcome = _run_dags(window, step, config.embedded.home / "logs" / "run.log")
        _show(config, outcome, console)
    return outcome


def prepare_stores(config: Config) -> None:
    """Create what is missing of the warehouse's tables and of Airflow's metadata."""
    from audit import tables as audit_tables
    from ingestion.run import context
    from ingestion.tables import ensure_tables

    client = context(config).client
    ensure_tables(client)
    audit_tables.ensure_tables(client)
    made = config.embedded.home / "airflow" / f"tables-of-{version('apache-airflow')}"
    if not made.exists():  # a marker of its own: the database is there before all of its tables are
        from airflow.utils.db import upgradedb  # as `airflow db migrate`, without a process that starts all of Airflow

        with _output_to(config.embedded.home / "logs" / "run.log"):
            upgradedb()
        made.touch()


def _run_dags(window: Window, step: Step, log: Path) -> Outcome:
    """Each DAG once, in this process; what Airflow prints goes to a log file."""
    outcome = Outcome(window, datetime.now(UTC))
    conf = {"window_start": format_instant(window.start), "window_end": format_instant(window.end)}
    with step("loading the DAGs"), _output_to(log):
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
        if bag.import_errors:
            raise RuntimeError(
                "; ".join(f"{file}: {text.splitlines()[-1]}" for file, text in bag.import_errors.items())
            )
    for dag_id in DAGS:
        with step(dag_id) as note, _output_to(log):
            bag.dags[dag_id].deadline = None  # no scheduler watches here, and DAG.test fails on one (Airflow 3.3.2)
            done = bag.dags[dag_id].test(logical_date=window.end, run_conf=conf)
            failed = sorted(ti.task_id for ti in done.get_task_instances() if ti.state in ("failed", "upstream_failed"))
            if failed:
                outcome.failed[dag_id] = failed
                note(f"[red]failed: {', '.join(failed)}[/red]")
    return outcome


def _show(config: Config, outcome: Outcome, console: Console) -> None:
    from jobs.pipeline import report_path
    from reporting.summary import render, summary
    from warehouse.client import bigquery_client

    client = bigquery_client(config)
    render(summary(client, config, outcome.window), console)
    if outcome.failed:
        for row in _failures(client, outcome.started_at):
            console.print(f"[red]failed[/red] {row['step']} {row['source'] or ''}: {row['detail']}", highlight=False)
        console.print(
            f"what each step printed: {config.embedded.home / 'logs' / 'run.log'}", highlight=False, soft_wrap=True
        )
    if (path := report_path(outcome.window)).is_file():
        console.print(f"report: {path}", highlight=False, soft_wrap=True)


def _failures(client: bigquery.Client, since: datetime) -> list:
    """Outcome rows of the failed attempts of this run; the newest of each step and source."""
    sql = """
        select step, source, detail from ops.attempts where outcome = 'failed' and started_at >= @since
        qualify row_number() over (partition by step, source order by started_at desc) = 1 order by step, source
    """
    job_config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("since", "TIMESTAMP", since)])
    return list(client.query(sql, job_config=job_config).result())


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the folder's lock; it goes when the process goes, however it goes. Raises Busy."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another run uses {home}; wait for it, or stop it with `make down`") from None
        yield


Step = Callable[[str], AbstractContextManager[Callable[[str], None]]]


def _steps(console: Console) -> Step:
    """Progress: a spinner beside the step at work, and a line with its time when it is done."""

    @contextmanager
    def step(name: str) -> Iterator[Callable[[str], None]]:
        notes: list[str] = []
        started = time.monotonic()
        with console.status(name):
            yield notes.append
        mark = "[red]✗[/red]" if notes else "[green]✓[/green]"
        console.print(f"{mark} {name} [dim]{time.monotonic() - started:.1f} s[/dim] {' '.join(notes)}", highlight=False)

    return step


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send everything that this process prints to a file, so that a person sees progress and not tracebacks."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        os.close(kept[0])
        os.close(kept[1])
