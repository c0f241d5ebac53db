"""Runs the product as a person does (`python -m jobs run`) and reads what it left in the warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from google.cloud import bigquery

from ingestion.sources import NAMES
from jobs import pipeline
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.services import Services, runtime_environment
from warehouse.window import Window

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 900
"""A hung run fails; a slow machine does not."""

EACH_RUN_ADDS = {
    *("rpc_calls", "rpc_health", "rpc_providers_5min", "warehouse_health"),
    *("int_rpc__calls_5min", "int_rpc__providers_hourly", "int_rpc__runs"),
}
"""Tables about the runs themselves: every run makes calls and attempts, and so adds or changes rows here."""

WALL_CLOCK = {
    *("_landed_at", "attempt_id", "first_landed_at", "newest_landed_at"),
    *("covered_at", "proved_at", "found_at", "proof_id"),
    *("warehouse_lag_p50_ms", "warehouse_lag_p95_ms", "warehouse_lag_max_ms"),
}
"""Columns that say when or by which attempt something was landed; facts of the run, not of the data."""


def command(*arguments: str) -> list[str]:
    """`python -m jobs run` with arguments."""
    return [sys.executable, "-W", "ignore", "-m", "jobs", "run", *arguments]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Environment of a run: a fresh shell's, with its own home."""
    ours = ("WAREHOUSE_", "SANDBOX_", "BQ_", "AIRFLOW_", "DBT_", "STRIPE_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours) or key == "WAREHOUSE_PARSED"}
    return kept | {"WAREHOUSE_HOME": str(home), "COLUMNS": "160"} | more


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run to the end; output as text."""
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=environment(home, **more), capture_output=True, text=True,
        timeout=RUN_SECONDS, check=False,
    )  # fmt: skip


@contextmanager
def warehouse_of(home: Path) -> Iterator[bigquery.Client]:
    """The warehouse that runs over this home have left, opened for reading."""
    before = dict(os.environ)
    os.environ.update(runtime_environment(home))
    try:
        config = load_config()
        with Services(config) as services:
            services.start_warehouse()
            yield bigquery_client(config)
    finally:
        os.environ.clear()
        os.environ.update(before)


def steps(home: Path) -> None:
    """What the DAGs of a run do up to the marts, over the sandbox's window, without Airflow around it."""
    before = dict(os.environ)
    os.environ.update(runtime_environment(home))
    try:
        with Services(load_config()) as services:
            services.start_warehouse()
            state = services.start_sandbox()
            window = Window.parse(state["window"]["start"], state["window"]["end"])
            for name in NAMES:
                for step in (pipeline.land_source, pipeline.load_source, pipeline.verify_source):
                    step(name, window, "again")
            pipeline.build_models(window, "again")
    finally:
        os.environ.clear()
        os.environ.update(before)


def rows(client: bigquery.Client, sql: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    return [dict(row) for row in client.query(sql).result()]


def tables(home: Path) -> dict[str, list[str]]:
    """Every table of raw, intermediate and marts, as sorted rows without wall-clock columns.

    Read from the file of the stopped warehouse: through its API, tens of thousands of rows take longer than a run.
    """
    found = {}
    with duckdb.connect(str(home / "bq" / "bqemulator.duckdb"), read_only=True) as file:
        columns: dict[tuple[str, str], list[str]] = {}
        for schema, table, column in file.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "join information_schema.tables using (table_schema, table_name) "
            "where table_type = 'BASE TABLE' order by column_name"
        ).fetchall():
            columns.setdefault((schema, table), []).append(column)
        for (schema, table), names in columns.items():
            dataset = schema.rpartition("__")[2]
            if dataset in ("raw", "intermediate", "marts") and table not in EACH_RUN_ADDS:
                row = ", ".join(f"'{name}', \"{name}\"::varchar" for name in _of_the_data(names))
                held = file.execute(f'select [{row}]::varchar as row from "{schema}"."{table}" order by row').fetchall()
                found[f"{dataset}.{table}"] = [text for (text,) in held]
    return found


def _of_the_data(columns: Sequence[str]) -> list[str]:
    of_the_run = WALL_CLOCK | ({"_object_uri"} if "attempt_id" in columns else set())  # its name has the attempt's id
    return [name for name in columns if name not in of_the_run]
