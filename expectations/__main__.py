"""python -m expectations lint | list | run: the rules at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from expectations.rules import RULES, RUNBOOKS, Rule, RuleError, load_rules
from warehouse.config import ConfigError, load_config

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Folder = Annotated[Path, typer.Option(help="folder of rule files")]


def _stop(message: str) -> None:
    """End with a message for a person and no traceback."""
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(2)


def _load(folder: Path) -> list[Rule]:
    try:
        return load_rules(folder)
    except RuleError as error:
        _stop(str(error))


@app.command()
def lint(rules: Folder = RULES, runbooks: Annotated[Path, typer.Option(help="folder of runbooks")] = RUNBOOKS) -> None:
    """Check every rule file: keys, SQL, columns of the marts' contracts, thresholds, metrics, runbooks.

    Ends 2 with a line for each finding.
    """
    from expectations.lint import problems

    try:
        found = problems(load_config(), rules, runbooks)
    except ConfigError as error:
        _stop(str(error))
    if found:
        _stop("\n".join(found))
    count = len(_load(rules))
    print("1 rule file is fine" if count == 1 else f"{count} rule files are fine")


@app.command(name="list")
def list_rules(rules: Folder = RULES) -> None:
    """Show the rules."""
    table = Table("rule", "severity", "mart", "labels", "runbook", "what holds")
    for rule in _load(rules):
        table.add_row(
            rule.name, ", ".join(rule.severities), rule.mart, ", ".join(rule.labels), rule.runbook, rule.title
        )
    Console().print(table)


@app.command()
def run(
    start: Annotated[str, typer.Option(help="start of the window, ISO 8601, UTC")],
    end: Annotated[str, typer.Option(help="end of the window, exclusive")],
    rule: Annotated[list[str] | None, typer.Option(help="only this rule; may be given more than once")] = None,
    run_id: Annotated[str, typer.Option(help="identity of the evaluation in ops.check_results")] = "manual",
    rules: Folder = RULES,
) -> None:
    """Evaluate rules over a window and record the results; alerts are left alone. Ends 1 when one doesn't pass."""
    from expectations.run import evaluate
    from warehouse.client import WarehouseUnreachable, bigquery_client
    from warehouse.window import Window, WindowError

    known = _load(rules)
    if unknown := sorted(set(rule or ()) - {item.name for item in known}):
        _stop(f"--rule: there is no rule {', '.join(unknown)}; the rules are {', '.join(item.name for item in known)}")
    chosen = [item for item in known if not rule or item.name in rule]
    try:
        window, config = Window.parse(start, end), load_config()
        results = evaluate(chosen, window, config, bigquery_client(config), run_id)
    except (WindowError, ConfigError, WarehouseUnreachable) as error:
        _stop(str(error))
    console = Console()
    table = Table("rule", "severity", "outcome", "what was found")
    for result in results:
        found = [result.error] if result.error else [row.summary for row in result.rows] or ["-"]
        table.add_row(result.rule, result.severity, result.outcome, "\n".join(found))
    console.print(table)
    if any(result.outcome in ("failed", "error") for result in results):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
