"""python -m drills run | report: chaos exercises on the sandbox through Airflow, and their report."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(
    home: Annotated[Path | None, typer.Option(help="folder of the drill, emptied first; left out: var/drill")] = None,
) -> None:
    """Run every exercise in a home of the drill's own and write the report. Ends 1 when one doesn't pass."""
    from drills.cycles import DrillFailed, run_cycle, verify
    from drills.exercises import CYCLES, EXERCISES
    from drills.judge import judge, others
    from drills.receivers import receiving
    from drills.report import evidence, render
    from drills.settings import write_settings

    home = (home or Path(os.environ.get("WAREHOUSE_HOME") or "var") / "drill").resolve()
    if home.exists() and any(home.iterdir()) and not (home / "drill.yml").is_file():
        print(f"error: --home: {home} is not empty, and no drill's", file=sys.stderr)
        raise typer.Exit(2)
    shutil.rmtree(home, ignore_errors=True)
    (home / "logs").mkdir(parents=True)
    tables = sorted({table for exercise in EXERCISES for table in exercise.replayed})
    books = list(dict.fromkeys(name for exercise in EXERCISES for name in exercise.runbooks))
    with receiving() as receivers:
        settings = write_settings(home, receivers.base)
        cycles = []
        try:
            for number, cycle in enumerate(CYCLES, start=1):
                receivers.refusing = frozenset(cycle.refusing)
                print(f"cycle {number} of {len(CYCLES)}: {', '.join(cycle.faults) or 'no fault'}", flush=True)
                cycles.append(run_cycle(home, number, cycle, settings, tables))
        except DrillFailed as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        receivers.refusing = frozenset()
        print("the runbooks' verifications", flush=True)
        verified = verify(home, books, CYCLES[-1], settings)
        judged = [judge(exercise, cycles, receivers.receipts, verified) for exercise in EXERCISES]
        document = evidence(judged, cycles, receivers.receipts, others(EXERCISES, cycles))
    path = home / "drill.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    page = home / "drill.html"
    page.write_text(render(document), encoding="utf-8")
    for item in judged:
        print(f"{'✓' if item.passed else '✗'} {item.exercise.title}")
        for check in item.checks:
            if not check.holds:
                print(f"    {check.what}: {check.shown}")
    print(f"{document['passed']} of {len(judged)} exercises passed\nreport: {page}")
    if document["passed"] != len(judged):
        raise typer.Exit(1)


@app.command()
def report(
    evidence: Annotated[Path, typer.Argument(help="drill.json of a drill")],
    page: Annotated[Path, typer.Argument(help="the HTML page to write")],
) -> None:
    """Write the page of a drill's evidence again."""
    from drills.report import render

    page.write_text(render(json.loads(evidence.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"report: {page}")


if __name__ == "__main__":
    app()
