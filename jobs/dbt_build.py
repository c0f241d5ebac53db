"""dbt, run over the models: which nodes failed, and how much was scanned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from audit.tables import ensure_tables
from warehouse.client import bigquery_client
from warehouse.config import Config

PROJECT = Path("dbt_project")
_FAILED = ("error", "fail", "runtime error")
_ONLY_WARNS = "only_warns"
"""Tag of a data test whose failure is no failure of the step."""


def build_models(config: Config, settings: dict, options: Sequence[str], verb: str = "build") -> tuple[list[str], int]:
    """Build and test the models (verb run: only build); returns the nodes that failed and the bytes scanned.

    A failed test is a warning to dbt, so that it goes on below it: a doubtful row must not keep the rest of the
    warehouse from being as of today. To us it is a failure. Unit tests belong to the project's tests, not to a run.
    """
    if verb != "compile":
        ensure_tables(bigquery_client(config))  # models read the audit log, whose tables no load creates
    tests = ["--exclude-resource-type", "unit_test"] if verb == "build" else []
    return _dbt(config, [verb, *tests, *options], settings | {"test_severity": "warn"})


def _dbt(config: Config, verb: Sequence[str], settings: dict) -> tuple[list[str], int]:
    environment = {
        "WAREHOUSE_PROJECT": config.project,
        "WAREHOUSE_LOCATION": config.location,
        "WAREHOUSE_TARGET": config.target,
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
    }
    command = [sys.executable, "-m", "jobs.dbt_run", *verb]
    results_file = Path(os.environ.get("DBT_TARGET_PATH", PROJECT / "target")) / "run_results.json"
    results_file.unlink(missing_ok=True)  # another run's results must not be taken for this one's
    done = subprocess.run(
        command, input=json.dumps(settings), env=os.environ | environment, capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)
    results = json.loads(results_file.read_text())["results"] if results_file.is_file() else []
    failed = [result["unique_id"] for result in results if result["status"] in _FAILED]
    warned = [result["unique_id"] for result in results if result["status"] == "warn"]
    failed += _meant_as_failures(warned, results_file.with_name("manifest.json"))
    if done.returncode and not failed:
        failed = [(done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["dbt gave no output"])[-1]]
    return failed, sum(int((result.get("adapter_response") or {}).get("bytes_processed") or 0) for result in results)


def _meant_as_failures(warned: Sequence[str], manifest: Path) -> list[str]:
    """The tests among those that warned that would have failed, had they not been told to warn (see build_models)."""
    if not warned:
        return []
    nodes = json.loads(manifest.read_text())["nodes"]
    return [name for name in warned if _ONLY_WARNS not in nodes[name]["tags"]]
