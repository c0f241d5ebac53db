"""Evaluates rules over a window and records each evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import jinja2
from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery

from expectations import placeholders, summaries
from expectations.availability import STATUS, Standing, read_status, standing
from expectations.results import CheckResult, FailingRow, json_value, label_value, save_results, worst
from expectations.rules import Rule
from warehouse.config import Config
from warehouse.window import Window

Clock = Callable[[], datetime]


class CannotEvaluate(RuntimeError):
    """The rule can't be judged; the message is one line for a person."""


class NotApplicable(RuntimeError):
    """The platform has nothing that the rule judges; the message is one line that says why."""


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

    A rule that can't be evaluated (missing table or column, no evidence, late source, engine failure) has the outcome
    `error`; it never counts as passed. One whose metrics the platform doesn't have is `not_applicable`. Evaluating the
    same run again replaces its records.
    """
    evaluated_at = clock()
    results: list[CheckResult] = []
    stands = _standings(rules, client, window)
    for mart, group in groupby(sorted(rules, key=lambda rule: (rule.mart, rule.name)), key=lambda rule: rule.mart):
        members = list(group)
        queries, outcomes = _prepare(members, stands, window, config)
        outcomes |= _judge(client, mart, [rule for rule in members if rule.name in queries], queries, window, config)
        outcomes |= _doubted(outcomes, stands)
        results += [_result(rule, outcomes[rule.name], window, run_id, evaluated_at) for rule in members]
    results.sort(key=lambda result: result.rule)
    save_results(client, results)
    return results


Found = list[FailingRow] | CannotEvaluate | NotApplicable


def _standings(rules: Sequence[Rule], client: bigquery.Client, window: Window) -> dict[str, Standing]:
    """How each rule with `needs` stands; one that can't be told is unsure."""
    needy = [rule for rule in rules if rule.needs]
    if not needy:
        return {}
    try:
        statuses = read_status(client)
    except GoogleAPIError as error:
        return {rule.name: Standing(unsure=f"{STATUS}: {one_line(error)}") for rule in needy}
    return {rule.name: standing(rule.needs, statuses, window) for rule in needy}


def _doubted(outcomes: dict[str, Found], stands: dict[str, Standing]) -> dict[str, Found]:
    """Those that hold as far as is known, but of which too little is known."""
    return {
        name: CannotEvaluate(stand.unsure)
        for name, stand in stands.items()
        if stand.unsure and outcomes.get(name) == []
    }


def _prepare(
    rules: Sequence[Rule], stands: dict[str, Standing], window: Window, config: Config
) -> tuple[dict[str, str], dict[str, Found]]:
    queries: dict[str, str] = {}
    failed: dict[str, Found] = {}
    for rule in rules:
        if rule.name in stands and (reason := stands[rule.name].not_applicable):
            failed[rule.name] = NotApplicable(reason)
            continue
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


def failing_rows(client: bigquery.Client, rule: Rule, window: Window, config: Config) -> list[FailingRow]:
    """What the rule's query returns, without the checkpoint and the record of an evaluation.

    Raises CannotEvaluate, and ValueError for a threshold that is no number.
    """
    return _fetch(client, rule, placeholders.fill(rule.failing_rows, window, rule.reads_from(window), config), config)


def _fetch(client: bigquery.Client, rule: Rule, sql: str, config: Config) -> list[FailingRow]:
    columns, rows = _rows(client, sql.replace("{batch}", f"`{client.project}.{rule.mart}`"))
    wanted = [*rule.labels, *rule.figures, *(["severity"] if rule.other_severities else [])]
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
        failing.append(FailingRow(labels, figures, summary, _severity(rule, row)))
    return sorted(failing, key=lambda item: sorted(item.labels.items()))


def _severity(rule: Rule, row: Mapping[str, object]) -> str | None:
    if not rule.other_severities:
        return None
    if row["severity"] not in rule.severities:
        raise CannotEvaluate(f"failing_rows has the severity {row['severity']}, the rule {', '.join(rule.severities)}")
    return row["severity"]


def _rows(client: bigquery.Client, sql: str) -> tuple[set[str], list[dict[str, object]]]:
    """Names of the columns (known without a row too), and the rows."""
    try:
        found = client.query(sql).result()
        return {field.name for field in found.schema}, [dict(row) for row in found]
    except GoogleAPIError as error:
        raise CannotEvaluate(one_line(error)) from None


def _result(rule: Rule, found: Found, window: Window, run_id: str, evaluated_at: datetime) -> CheckResult:
    absent, error = isinstance(found, NotApplicable), isinstance(found, CannotEvaluate)
    rows = () if absent or error else tuple(found)
    return CheckResult(
        run_id=run_id,
        rule=rule.name,
        severity=worst(rows, rule.severity),
        window=window,
        evaluated_at=evaluated_at,
        outcome="error" if error else "not_applicable" if absent else "failed" if rows else "passed",
        rows=rows,
        runbook=rule.runbook,
        reads_from=rule.reads_from(window),
        error=str(found) if absent or error else None,
    )


def one_line(error: Exception, limit: int = 300) -> str:
    """First line of an error, without the library's repetitions, for a person."""
    text = str(getattr(error, "message", None) or error) or type(error).__name__
    return text.splitlines()[0].split("; reason:")[0][:limit]
