"""Runs the cycles through Airflow (`python -m jobs run`) and takes down what each left in the warehouse."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from google.cloud import bigquery
from typer.testing import CliRunner

from drills.exercises import Cycle
from reporting.runbooks import read_runbook
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.services import (
    SANDBOX_PSEUDONYM_KEY,
    SANDBOX_STRIPE_KEY,
    SANDBOX_SUBJECT_KEY,
    Services,
    runtime_environment,
)

RUN_SECONDS = 1800
RUNBOOKS = Path(__file__).parents[1] / "runbooks"
_OURS = ("WAREHOUSE_", "SANDBOX_", "BQ_", "AIRFLOW_", "DBT_", "STRIPE_")
_OUTPUT = 4000


class DrillFailed(RuntimeError):
    """A cycle could not be run at all; the message has its last lines."""


@dataclass(frozen=True)
class Left:
    """What a cycle left: rows of ops.alerts and ops.notifications, and rows of the window by table."""

    number: int
    cycle: Cycle
    started: datetime
    ended: datetime
    exit_code: int
    alerts: Sequence[Mapping[str, Any]]
    notifications: Sequence[Mapping[str, Any]]
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verified:
    """One command of a runbook's verification."""

    runbook: str
    command: str
    exit_code: int
    output: str


def run_cycle(home: Path, number: int, cycle: Cycle, settings: Mapping[str, str], tables: Sequence[str]) -> Left:
    """One run of every DAG, then the outbox. Raises DrillFailed when it could not be run; failed tasks are no such."""
    started = datetime.now(UTC)
    words = [word for fault in cycle.faults for word in ("--fault", fault)]
    command = [sys.executable, "-W", "ignore", "-m", "jobs", "run", "--start", cycle.start, "--end", cycle.end, *words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    environment |= {"WAREHOUSE_HOME": str(home), "COLUMNS": "160", **settings}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    (home / "logs" / f"cycle-{number}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode not in (0, 1) or "\nchecks: " not in done.stdout:
        raise DrillFailed(f"cycle {number} ended {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    with opened(home, settings) as client:
        _deliver(client)
        return Left(
            number, cycle, started, datetime.now(UTC), done.returncode,
            _rows(client, "select * from ops.alerts order by opened_at, rule"),
            _rows(client, "select * from ops.notifications order by position, channel"),
            {table: _count(client, table, cycle) for table in tables},
        )  # fmt: skip


def verify(home: Path, runbooks: Sequence[str], cycle: Cycle, settings: Mapping[str, str]) -> list[Verified]:
    """Carry out the commands of the runbooks' verifications over the cycle's window; runs are left to the cycles."""
    with opened(home, settings):
        names = {"START": cycle.start, "END": cycle.end}
        ended: dict[str, tuple[int, str]] = {}
        verified = []
        for name in runbooks:
            for command in commands_of(name):
                if command not in ended:
                    ended[command] = _carry_out(command, names)
                verified.append(Verified(name, command, *ended[command]))
        return verified


def commands_of(runbook: str) -> list[str]:
    """Commands of a runbook's verification, in order, without runs of the whole flow and what needs the outside."""
    blocks = [block for block in read_runbook(RUNBOOKS / runbook).blocks if block.part == "Verification"]
    lines = [
        line.strip()
        for block in blocks
        if block.language == "sh" and not block.no_test
        for line in re.sub(r"\\\n\s*", "", block.code).splitlines()
    ]
    return [line for line in lines if line.startswith("python -m ")]


@contextmanager
def opened(home: Path, settings: Mapping[str, str]) -> Iterator[bigquery.Client]:
    """The warehouse that the cycles share, with the drill's settings in the environment."""
    before = dict(os.environ)
    os.environ.update(runtime_environment(home) | dict(settings))
    secrets = {
        "WAREHOUSE_PSEUDONYM_KEY": SANDBOX_PSEUDONYM_KEY,
        "WAREHOUSE_SUBJECT_KEY": SANDBOX_SUBJECT_KEY,
        "STRIPE_API_KEY": SANDBOX_STRIPE_KEY,
        "COLUMNS": "160",
    }
    os.environ.update(secrets)
    try:
        config = load_config()
        with Services(config) as services:
            services.start_warehouse()
            yield bigquery_client(config)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _deliver(client: bigquery.Client) -> None:
    """What time brings, as the scheduled `python -m alerting deliver` does."""
    from alerting.run import tick

    tick(load_config(), client, lambda: datetime.now(UTC))


def _carry_out(command: str, names: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of one of our own commands, run in this process: a new one takes seconds to start."""
    words = shlex.split(re.sub(r"\$([A-Z_]+)", lambda match: names[match[1]], command), comments=True)
    done = CliRunner().invoke(import_module(f"{words[2]}.__main__").app, words[3:])
    trouble = "" if done.exception is None or isinstance(done.exception, SystemExit) else f"\n{done.exception!r}"
    return done.exit_code, (done.output + trouble)[:_OUTPUT]


def _count(client: bigquery.Client, table: str, cycle: Cycle) -> int:
    """Rows of a mart whose block time is in the cycle's window."""
    sql = (
        f"select count(*) as n from {table} "
        f"where block_time >= timestamp '{cycle.start}' and block_time < timestamp '{cycle.end}'"
    )
    return _rows(client, sql)[0]["n"]


def _rows(client: bigquery.Client, sql: str) -> list[dict[str, Any]]:
    return [{**row, "labels": json.loads(row["labels"])} if "labels" in row else row
            for row in map(dict, client.query(sql).result())]  # fmt: skip
