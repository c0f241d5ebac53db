"""The same night on a warehouse that holds 30 days, a year and seven years: its build must cost what the night brings.

Two days of the sandbox are landed and loaded; their rows, moved back again and again, are the history, and all models
are built over it. Then the night's objects arrive and are built, again and again, in turn on each warehouse. All stand
in one embedded warehouse, so that they are measured side by side.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.landed import Landed, landed_platform
from benchmarks.moved import IMPORTS, moved_rows
from ingestion.tables import ensure_tables, table_names
from jobs.dbt_build import build_models
from jobs.plan import plan_build
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.services import runtime_environment
from warehouse.window import Window

HISTORIES = tuple(int(days) for days in os.environ.get("HISTORY_DAYS", "30,365,2555").split(","))
"""Days of history, the shortest first: the others are compared with it."""
NIGHT = 2
"""Days of the sandbox that are the night's data: what a run over a weekend finds."""
NOT_COPIED = {"quarantine", "solana_coverage", "solana_balance_proofs", "solana_balance_breaks"}
"""Read whole by their models: intervals and proofs, a row per account and run, which no night of this size fills."""


def main(rows: int, runs: int) -> None:
    """Build the night `runs` times on each warehouse, in turn."""
    del rows
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="history-") as home:
        os.environ.update(runtime_environment(Path(home)))
        with landed_platform(days=NIGHT) as landed:
            nights = {days: _with_history(landed, days) for days in HISTORIES}
            seconds: dict[int, list[float]] = {days: [] for days in HISTORIES}
            for number in range(runs + 1):
                for days, config in nights.items():
                    taken = _night(config, landed.window)
                    if number:  # the first one also makes what a first build makes
                        seconds[days].append(taken)
    os.environ.clear()
    os.environ.update(before)
    table = Table(title=f"one night, by the days of history before it; median of {runs}")
    for heading in ("days of history", "seconds", "lowest", "highest", "times the shortest"):
        table.add_column(heading, justify="right")
    shortest = median(seconds[HISTORIES[0]])
    for days, taken in seconds.items():
        figures = (median(taken), min(taken), max(taken))
        table.add_row(f"{days:,}", *(f"{figure:.1f}" for figure in figures), f"{median(taken) / shortest:.2f}")
    Console(width=120).print(table)


def _with_history(landed: Landed, days: int) -> Config:
    """A warehouse with the night's rows and `days` days before it, built over the history."""
    config = landed.config.model_copy(update={"project": f"history-{days}"})
    client = bigquery_client(config)
    ensure_tables(client)
    for table in table_names("raw"):
        if table not in NOT_COPIED:
            client.query(moved_rows(client, landed, table, range(NIGHT, days + 1, NIGHT), only_ended=True)).result()
            client.query(_rows_of(landed, table, f"_event_date = {IMPORTS}")).result()
    before = Window(landed.window.start - timedelta(days=NIGHT), landed.window.start)
    plan = plan_build(config, before)
    assert plan is not None
    failures, _ = build_models(config, plan.settings, ["--full-refresh"], "run")
    assert failures == []
    for table in table_names("raw"):
        client.query(_rows_of(landed, table, f"_event_date > {IMPORTS} or _event_date is null")).result()
    objects = f"`{landed.config.project}`.ops.objects"
    client.query(f"insert into ops.objects select * from {objects}").result()
    days_but_imports = """regexp_replace(event_dates, r'"1970-01-01"(, *)?', '')"""
    client.query(f"update ops.objects set event_dates = {days_but_imports} where true").result()
    return config


def _rows_of(landed: Landed, table: str, condition: str) -> str:
    return f"insert into raw.{table} select * from `{landed.config.project}`.raw.{table} where {condition}"


def _night(config: Config, window: Window) -> float:
    """Seconds of a build after the night's objects have arrived."""
    client = bigquery_client(config)
    client.query("update ops.objects set modelled_at = null where true").result()
    plan = plan_build(config, window)
    assert plan is not None
    began = time.perf_counter()
    build_models(config, plan.settings | {"models_unchanged": True}, [])
    return time.perf_counter() - began
