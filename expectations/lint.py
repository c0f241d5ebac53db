"""Checks of rule files beyond their keys: against contracts, metrics, thresholds and runbooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from expectations import placeholders
from expectations.rules import PERSONAL_COLUMNS, RULES, RUNBOOKS, Rule, RuleError, load_rule
from ingestion.tables import OPS, table_names, table_schema
from reporting.contracts import load_contracts
from reporting.metrics import load_metrics
from warehouse.config import Config
from warehouse.window import Window

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]
KNOWN = ("marts", "ops")
"""Datasets whose tables' columns are all declared."""
_DAY = Window(datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC))


def problems(config: Config, folder: Path = RULES, runbooks: Path = RUNBOOKS) -> list[str]:
    """A line for each finding, `file: key: what is wrong`, in order of file; none when all rules can be used."""
    paths = sorted(folder.glob("*.y*ml"))
    if not paths:
        return [f"{folder}: no rule files"]
    names = {path.stem for path in paths}
    return [line for path in paths for line in _of_file(path, names, config, runbooks)]


def _of_file(path: Path, names: set[str], config: Config, runbooks: Path) -> Iterator[str]:
    try:
        rule = load_rule(path)
    except RuleError as error:
        yield from str(error).splitlines()
        return
    checks: list[Callable[[], Iterator[str]]] = [
        lambda: _runbook(rule, runbooks),
        lambda: _inhibits(rule, names),
        lambda: _needs(rule),
        lambda: _queries(rule, config),
    ]
    for check in checks:
        for found in check():
            yield f"{path}: {found}"


def _runbook(rule: Rule, runbooks: Path) -> Iterator[str]:
    if not (runbooks / rule.runbook).is_file():
        yield f"runbook: there is no {runbooks.name}/{rule.runbook}"


def _inhibits(rule: Rule, names: set[str]) -> Iterator[str]:
    for other in sorted(set(rule.inhibits) - names):
        yield f"inhibits: there is no rule {other!r}"


def _needs(rule: Rule) -> Iterator[str]:
    sources = metric_sources()
    for need in rule.needs:
        metric, _, source = need.partition("/")
        if metric not in sources:
            yield f"needs: there is no metric {metric}"
        elif source and source not in sources[metric]:
            yield f"needs: {metric} has no source {source}, but {', '.join(sources[metric])}"


def _queries(rule: Rule, config: Config) -> Iterator[str]:
    if problem := _unknown_table(rule.mart):
        yield f"mart: {problem}"
        return
    for key, sql in (("failing_rows", rule.failing_rows), ("evidence", rule.evidence)):
        if sql is None:
            continue
        try:
            filled = placeholders.fill(sql, _DAY, _DAY.start - timedelta(days=1), config, rule.mart)
            tree = sqlglot.parse_one(filled, read="bigquery")
        except (ValueError, SqlglotError) as error:
            yield f"{key}: {str(error).splitlines()[0]}"
            continue
        wrong = list(_references(tree))
        yield from (f"{key}: {problem}" for problem in wrong)
        if not wrong and key == "failing_rows":
            yield from _selected(rule, tree)


def _references(tree: exp.Expression) -> Iterator[str]:
    """What the query names that isn't there or may not be read."""
    tables = {f"{table.db}.{table.name}" for table in tree.find_all(exp.Table) if table.db}
    unknown = [problem for table in sorted(tables) if (problem := _unknown_table(table))]
    yield from unknown
    read = {column.name.lower() for column in tree.find_all(exp.Column)}
    if personal := sorted(PERSONAL_COLUMNS & read):
        yield f"reads personal data: {', '.join(personal)}"
    if unknown:
        return
    declared = {name for table in tables for name in _columns(table)}
    made = {
        item.alias.lower() for item in tree.find_all(exp.Alias, exp.TableAlias, exp.CTE, exp.Subquery) if item.alias
    }
    made |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
    if all(table.partition(".")[0] in KNOWN for table in tables) and (missing := sorted(read - declared - made)):
        yield f"no table of the query has the column {', '.join(missing)} ({', '.join(sorted(tables))})"


def _selected(rule: Rule, tree: exp.Expression) -> Iterator[str]:
    """Labels, figures and severity that the query doesn't select."""
    try:
        names = set(
            qualify(tree.copy(), schema=_schema(), dialect="bigquery", validate_qualify_columns=False).named_selects
        )
    except SqlglotError as error:
        yield f"failing_rows: {str(error).splitlines()[0]}"
        return
    wanted = {"labels": rule.labels, "figures": rule.figures, "severity": ["severity"] if rule.other_severities else []}
    for key, columns in wanted.items():
        if missing := [column for column in columns if column not in names]:
            yield f"{key}: failing_rows doesn't select {', '.join(missing)}"


def _unknown_table(name: str) -> str | None:
    dataset, _, table = name.partition(".")
    if dataset in KNOWN and table not in _schema()[dataset]:
        what = "mart with a contract" if dataset == "marts" else "table of the warehouse"
        return f"{name} is no {what}"
    return None


def _columns(name: str) -> set[str]:
    dataset, _, table = name.partition(".")
    return set(_schema().get(dataset, {}).get(table, {}))


@cache
def metric_sources() -> dict[str, list[str]]:
    """The sources of each metric."""
    return {metric.id: list(metric.sources) for metric in load_metrics()}


@cache
def _schema() -> Schema:
    return {
        "marts": {contract.name: contract.types for contract in load_contracts()},
        "ops": {
            table: {field.name: field.field_type for field in table_schema(table, OPS)} for table in table_names(OPS)
        },
    }
