"""An embedded warehouse of this area's own, and dbt running on it inside the test process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from google.cloud import bigquery

from audit import tables as audit_tables
from ingestion.tables import ensure_tables, table_schema
from jobs.dbt_run import run as run_dbt
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.services import Services, runtime_environment

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt_project"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A scratch home whose settings are in the environment while the module's tests run."""
    folder = tmp_path_factory.mktemp("dbt-home")
    before = dict(os.environ)
    os.environ.update(runtime_environment(folder))
    os.environ |= {name: str(PROJECT) for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR")}
    yield folder
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[bigquery.Client]:
    """Client of an emulator with empty raw and ops tables."""
    config = load_config(ROOT / "config" / "warehouse.yml")
    with Services(config) as services:
        services.start_warehouse(in_memory=True)
        connected = bigquery_client(config)
        ensure_tables(connected)
        audit_tables.ensure_tables(connected)
        yield connected


@pytest.fixture(scope="module")
def load(client: bigquery.Client, home: Path) -> Callable[[Rows], None]:
    """load({"raw.stripe_charges": [{...}], ...}) appends rows to raw and ops tables; columns left out are null."""
    bucket = home / "gcs" / "rows"
    bucket.mkdir(parents=True)

    def append(rows: Rows) -> None:
        for name, records in rows.items():
            dataset, table = name.split(".")
            config = bigquery.LoadJobConfig(
                schema=table_schema(table, dataset),
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            )
            (bucket / f"{name}.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
            client.load_table_from_uri(
                f"gs://rows/{name}.ndjson", f"{client.project}.{name}", job_config=config
            ).result()

    return append


@pytest.fixture(scope="module")
def dbt(home: Path) -> Callable[..., dict[str, str]]:
    """dbt(["build"], settings) runs dbt and gives each node's status by name; fails the test when a node failed."""

    def run(command: Sequence[str], settings: Mapping[str, Any] | None = None) -> dict[str, str]:
        done = run_dbt([*command, "--quiet"], settings or {})
        statuses = {result.node.name: str(result.status) for result in getattr(done.result, "results", [])}
        failed = {name: status for name, status in statuses.items() if status in ("error", "fail", "runtime error")}
        assert done.success, failed or done.exception
        return statuses

    return run


@pytest.fixture(scope="module")
def table(client: bigquery.Client) -> Callable[[str], list[dict[str, Any]]]:
    """table("marts.money_daily") gives its rows, in an order of their own so that equal tables give equal lists."""

    def read(name: str) -> list[dict[str, Any]]:
        rows = [dict(row) for row in client.query(f"select * from {name}").result()]
        return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))

    return read


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """parse(settings) gives dbt's manifest of the project, parsed anew; parsing needs no warehouse."""
    target = tmp_path_factory.mktemp("parsed")
    places = {"target-path": target, "log-path": target, "project-dir": PROJECT, "profiles-dir": PROJECT}
    options = [part for name, folder in places.items() for part in (f"--{name}", str(folder))]

    def parsed(settings: Mapping[str, Any]) -> dict[str, Any]:
        done = dbtRunner().invoke(["--quiet", "parse", "--no-partial-parse", "--vars", json.dumps(settings), *options])
        assert done.success, done.exception
        return json.loads((target / "manifest.json").read_text())

    return parsed


@pytest.fixture(scope="session")
def manifest(parse: Callable) -> dict[str, Any]:
    """The project's manifest, with the variables as they are in it."""
    return parse({})
