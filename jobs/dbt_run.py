"""dbt over a project that is parsed once: `python -m jobs.dbt_run COMMAND [OPTION ...]`, variables as JSON on stdin.

dbt parses the whole project anew when any variable differs from the last time, and a run's window is variables. So the
project is parsed with the variables that stay the same, which dbt keeps and only looks over the next time; the command
then runs on what was parsed, with all variables. What is parsed, a model's config and references, may not depend on
the others (tests/dbt/test_dbt_project.py).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner, dbtRunnerResult

OF_A_RUN = frozenset(
    {"window_start", "window_end", "covered_until", "partitions", "balance_partitions", "rpc_partitions"}
    | {"models_unchanged"}
)
"""Variables that change from run to run."""
_NAMES_IN_MODELS = ("WAREHOUSE_PROJECT", "WAREHOUSE_TARGET")


def run(command: Sequence[str], settings: Mapping[str, Any]) -> dbtRunnerResult:
    """Run a dbt command with its options on the project that DBT_PROJECT_DIR and DBT_PROFILES_DIR name."""
    kept = json.dumps({name: value for name, value in settings.items() if name not in OF_A_RUN}, sort_keys=True)
    parse = ["--quiet", "--no-write-json", "parse", "--vars", kept, *_place(kept)]
    parsed = dbtRunner().invoke(parse)
    if not parsed.success:
        return parsed
    return dbtRunner(manifest=parsed.result).invoke([*command, "--vars", json.dumps(dict(settings))])


def _place(kept: str) -> list[str]:
    """Where what was parsed is kept: below WAREHOUSE_PARSED, which homes may share, else with the target's files.

    One place for each set of variables. Whether it is of the files as they are now is dbt's to find out.
    """
    if not (shared := os.environ.get("WAREHOUSE_PARSED")):
        return []
    known = [kept, *(os.environ.get(name, "") for name in _NAMES_IN_MODELS)]
    return ["--target-path", str(Path(shared) / sha256("\0".join(known).encode()).hexdigest()[:16])]


def main(arguments: Sequence[str]) -> int:
    """The command given, which ends as the `dbt` tool would."""
    done = run(arguments, json.load(sys.stdin))
    if done.exception is not None:
        print(done.exception)
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
