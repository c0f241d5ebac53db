"""The models' build beside one DuckDB script that computes the same tables in full.

Ours: dbt against the embedded warehouse, first build, then a second one of the same window (every partition of it
again, by models that haven't changed), each with its data tests, as a run does it. The script: each model's own query,
put into DuckDB's dialect beforehand by the embedded warehouse's translator, executed in one session on a copy of the
same database file: no dbt, no HTTP, no jobs, no contracts, no tests.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from bqemulator.sql.builtin_udfs import register_builtin_udfs
from bqemulator.sql.table_rewriter import rewrite_table_refs
from bqemulator.sql.translator import SQLTranslator
from rich.console import Console
from rich.table import Table

from benchmarks.landed import landed_platform
from jobs.dbt_build import build_models
from jobs.plan import plan_build
from warehouse.services import runtime_environment

DAYS = 4
SLOWEST = 12
"""Models that the table names; the others are one line."""


def main(rows: int, runs: int) -> None:
    """Build in full with dbt and with the script, and print seconds a model and the ratio."""
    del rows
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="transform-") as folder:
        home = Path(folder)
        os.environ.update(runtime_environment(home))
        with landed_platform(days=DAYS) as landed:
            plan = plan_build(landed.config, landed.window)
            assert plan is not None
            first = _built(landed.config, plan.settings)
            again = _built(landed.config, plan.settings | {"models_unchanged": True})
            results = json.loads((home / "dbt" / "target" / "run_results.json").read_text())["results"]
            failures, _ = build_models(landed.config, plan.settings, ["--full-refresh"], "run")
            assert failures == []
            manifest = json.loads((home / "dbt" / "target" / "manifest.json").read_text())
            project = landed.config.project
        script = list(_script(manifest, project))
        taken = [_run(script, home / "bq" / "bqemulator.duckdb", Path(folder) / f"copy{n}.duckdb") for n in range(runs)]
    os.environ.clear()
    os.environ.update(before)
    _print(results, first, again, median(taken), len(script))


def _built(config: Any, settings: Mapping[str, Any]) -> float:
    began = time.perf_counter()
    build_models(config, dict(settings), [])
    return time.perf_counter() - began


def _script(manifest: Mapping[str, Any], project: str) -> Iterator[str]:
    """DuckDB statements that make every model, each after those that it reads."""
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    done: set[str] = set()
    translator = SQLTranslator()
    while len(done) < len(models):
        for key, node in models.items():
            needs = {parent for parent in node["depends_on"]["nodes"] if parent in models}
            if key in done or not needs <= done:
                continue
            done.add(key)
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            name = f"`{project}`.`{node['schema']}`.`{node['name']}`"
            statement = f"create or replace {kind} {name} as {node['compiled_code']}"
            yield rewrite_table_refs(translator.translate(statement).unwrap(), project)


def _run(script: list[str], database: Path, copy: Path) -> float:
    shutil.copy(database, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        register_builtin_udfs(connection)
        began = time.perf_counter()
        for statement in script:
            connection.execute(statement)
        return time.perf_counter() - began


def _print(results: list[dict[str, Any]], first: float, again: float, script: float, statements: int) -> None:
    console = Console(width=120)
    models = sorted(
        (
            (item["execution_time"], item["unique_id"].split(".")[-1])
            for item in results
            if item["unique_id"][:5] == "model"
        ),
        reverse=True,
    )
    tests = [item["execution_time"] for item in results if item["unique_id"].startswith("test.")]
    table = Table(title=f"seconds a node, second build of {DAYS} days (two nodes at a time)")
    table.add_column("node")
    table.add_column("seconds", justify="right")
    for seconds, name in models[:SLOWEST]:
        table.add_row(name, f"{seconds:.2f}")
    table.add_row(f"{len(models) - SLOWEST} other models", f"{sum(item[0] for item in models[SLOWEST:]):.2f}")
    table.add_row(f"{len(tests)} data tests", f"{sum(tests):.2f}")
    console.print(table)
    table = Table(title=f"the whole build beside a DuckDB script of {statements} statements")
    for heading in ("", "seconds", "times the script"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, seconds in {"dbt, first build": first, "dbt, second build": again, "DuckDB script": script}.items():
        table.add_row(name, f"{seconds:.2f}", f"{seconds / script:.1f}")
    console.print(table)
