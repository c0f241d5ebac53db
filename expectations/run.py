"""Evaluates rules over a window and records each evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby

import jinja2
from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery

from expectations import placeholders, summaries
from expectations.results import CheckResult, FailingRow, json_value, label_value, save_results
from expectations.rules import Rule
from warehouse.config import Config
from warehouse.window import Window

Clock = Callable[[], datetime]


class CannotEvaluate(RuntimeError):
    """The rule can't be judged; the message is one line for a person."""


def utc_now() -> datetime:
    """The wall clock; the default of every `clock` argument."""
    return datetime.now(UTC)


def evaluate(
    rules: Sequence[Rule],
    window: Window,
    config: Config,
    client: bigquery.Client,
    run_id: str,
    clock: Clock = utc_now,
) -> list[CheckResult]:
    """Evaluates each rule over `window` and writes ops.check_results; results come in order of rule name.

    A rule that can't be evaluated (missing table or column, no evidence, engine failure) has the outcome `error`; it
    never counts as passed. Evaluating the same run again replaces its records.
    """
    evaluated_at = clock()
    results: list[CheckResult] = []
    for mart, group in groupby(sorted(rules, key=lambda rule: (rule.mart, rule.name)), key=lambda rule: rule.mart):
        members = list(group)
        queries, outcomes = _prepare(members, window, config)
        outcomes |= _judge(client, mart, [rule for rule in members if rule.name in queries], queries, window, config)
        results += [_result(rule, outcomes[rule.name], window, run_id, evaluated_at) for rule in members]
    results.sort(key=lambda result: result.rule)
    save_results(client, results)
    return results


Found = list[FailingRow] | CannotEvaluate


def _prepare(rules: Sequence[Rule], window: Window, config: Config) -> tuple[dict[str, str], dict[str, Found]]:
    queries: dict[str, str] = {}
    failed: dict[str, Found] = {}
    for rule in rules:
        try:
            queries[rule.name] = placeholders.fill(rule.failing_rows, window, rule.reads_from(window), config)
        except ValueError as error:
            failed[rule.name] = CannotEvaluate(str(error))
    return queries, failed


def _judge(
    client: bigquery.Client, mart: str, rules: Sequence[Rule], queries: dict[str, str], window: Window, config: Config
) -> dict[str, Found]:
    """Failing rows of each rule by the expectation engine, fetched in full; the engine itself keeps 200 of them."""
    if not queries:
        return {}
    from expectations.engine import Verdict, run_checkpoint

    try:
        verdicts = run_checkpoint(client, mart, queries)
    except Exception as error:  # whatever the engine raises, the rules weren't evaluated
        verdicts = {name: Verdict(False, 0, one_line(error)) for name in queries}
    found: dict[str, Found] = {}
    for rule in rules:
        try:
            verdict = verdicts.get(rule.name) or Verdict(False, 0, "the engine returned no verdict")
            _need_evidence(client, rule, window, config)
            found[rule.name] = _agree(verdict, _fetch(client, rule, queries[rule.name], config))
        except CannotEvaluate as error:
            found[rule.name] = error
    return found


def _agree(verdict: object, rows: list[FailingRow]) -> list[FailingRow]:
    if verdict.error is not None:
        raise CannotEvaluate(verdict.error)
    if verdict.unexpected != len(rows) or verdict.success != (not rows):
        raise CannotEvaluate(
            f"the engine counted {verdict.unexpected} failing rows, the query returned {len(rows)}: "
            "the mart changed meanwhile"
        )
    return rows


def _need_evidence(client: bigquery.Client, rule: Rule, window: Window, config: Config) -> None:
    if rule.evidence is None:
        return
    table = f"`{client.project}.{rule.mart}`"
    sql = placeholders.fill(rule.evidence, window, rule.reads_from(window), config, table)
    if not _rows(client, f"select 1 as present from ({sql}) limit 1")[1]:
        raise CannotEvaluate(f"{rule.mart} has no rows to judge for this window")


def _fetch(client: bigquery.Client, rule: Rule, sql: str, config: Config) -> list[FailingRow]:
    columns, rows = _rows(client, sql.replace("{batch}", f"`{client.project}.{rule.mart}`"))
    wanted = [*rule.labels, *rule.figures]
    if missing := [column for column in wanted if column not in columns]:
        raise CannotEvaluate(f"failing_rows has no column {', '.join(missing)}")
    failing = []
    for row in rows:
        labels = {name: label_value(row[name]) for name in rule.labels}
        figures = {name: json_value(row[name]) for name in rule.figures}
        try:
            summary = summaries.render(rule.summary, {name: row[name] for name in wanted}, config.mints)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise CannotEvaluate(f"summary can't be written: {one_line(error)}") from None
        failing.append(FailingRow(labels, figures, summary))
    return sorted(failing, key=lambda item: sorted(item.labels.items()))


def _rows(client: bigquery.Client, sql: str) -> tuple[set[str], list[dict[str, object]]]:
    """Names of the columns (known without a row too), and the rows."""
    try:
        found = client.query(sql).result()
        return {field.name for field in found.schema}, [dict(row) for row in found]
    except GoogleAPIError as error:
        raise CannotEvaluate(one_line(error)) from None


def _result(rule: Rule, found: Found, window: Window, run_id: str, evaluated_at: datetime) -> CheckResult:
    error = str(found) if isinstance(found, CannotEvaluate) else None
    rows = () if isinstance(found, CannotEvaluate) else tuple(found)
    return CheckResult(
        run_id=run_id,
        rule=rule.name,
        severity=rule.severity,
        window=window,
        evaluated_at=evaluated_at,
        outcome="error" if error else "failed" if rows else "passed",
        rows=rows,
        runbook=rule.runbook,
        reads_from=rule.reads_from(window),
        error=error,
    )


def one_line(error: Exception, limit: int = 300) -> str:
    """First line of an error, without the library's repetitions, for a person."""
    text = str(getattr(error, "message", None) or error) or type(error).__name__
    return text.splitlines()[0].split("; reason:")[0][:limit]
