"""What an evaluation found, and its record in ops.check_results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from google.cloud import bigquery

from expectations.rules import SEVERITIES, Rule, Severity
from expectations.table import replace_rows
from warehouse.window import Window, format_instant

Outcome = Literal["passed", "failed", "error", "not_applicable"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class FailingRow:
    """One violation: labels are text, figures are JSON values (amounts as text when they aren't plain integers).

    `severity` is there when the rule has several: this row's.
    """

    labels: Mapping[str, str]
    figures: Mapping[str, Any]
    summary: str
    severity: Severity | None = None


@dataclass(frozen=True)
class CheckResult:
    """One evaluation of one rule over one window.

    `severity` is the rule's or, when its rows have their own, the worst of these. `reads_from` is the first instant it
    looked at (None: the whole state at the window's end). `error` is one line, only there when `outcome` is error or
    not_applicable: why it wasn't judged.
    """

    run_id: str
    rule: str
    severity: str
    window: Window
    evaluated_at: datetime
    outcome: Outcome
    rows: tuple[FailingRow, ...]
    runbook: str
    reads_from: datetime | None
    error: str | None = None

    @property
    def result_id(self) -> str:
        """Key of the record."""
        return f"{self.run_id}:{self.rule}"


def worst(rows: Iterable[FailingRow], default: str) -> str:
    """Worst severity of the rows; `default` where none has one of its own."""
    own = {row.severity for row in rows if row.severity}
    return min(own, key=SEVERITIES.index) if own else default


def json_value(value: Any) -> Any:
    """A column's value as JSON: times as ISO 8601 UTC, NUMERIC as exact text, lists item by item."""
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def label_value(value: Any) -> str:
    """A column's value as a label: text, "" for null."""
    plain = json_value(value)
    if isinstance(plain, str):
        return plain
    return "" if plain is None else json.dumps(plain)


def save_results(client: bigquery.Client, results: Sequence[CheckResult]) -> None:
    """Writes the records, replacing those of the same run and rule, in one transaction."""
    replace_rows(client, "ops.check_results", "result_id", [_record(result) for result in results])


def load_results(client: bigquery.Client, run_id: str, rules: Iterable[Rule]) -> list[CheckResult]:
    """The records of a run as results again, in order of rule; for alerting in a later process than the checks.

    A record whose rule isn't among `rules` any more is left out.
    """
    known = {rule.name: rule for rule in rules}
    parameter = bigquery.ScalarQueryParameter("run_id", "STRING", run_id)
    rows = client.query(
        "select rule, severity, window_start, window_end, evaluated_at, outcome, detail from ops.check_results "
        "where run_id = @run_id order by rule",
        job_config=bigquery.QueryJobConfig(query_parameters=[parameter]),
    ).result()
    return [_result(run_id, row, known[row["rule"]]) for row in rows if row["rule"] in known]


def _record(result: CheckResult) -> dict[str, Any]:
    rows = [
        {"labels": dict(row.labels), "figures": dict(row.figures), "summary": row.summary}
        | ({"severity": row.severity} if row.severity else {})
        for row in result.rows
    ]
    return {
        "result_id": result.result_id,
        "run_id": result.run_id,
        "rule": result.rule,
        "severity": result.severity,
        "window_start": format_instant(result.window.start),
        "window_end": format_instant(result.window.end),
        "evaluated_at": format_instant(result.evaluated_at),
        "outcome": result.outcome,
        "failures": len(result.rows),
        "detail": json.dumps([{"error": result.error}] if result.error else rows, ensure_ascii=False),
    }


def _result(run_id: str, row: Mapping[str, Any], rule: Rule) -> CheckResult:
    detail = json.loads(row["detail"] or "[]")
    window = Window(row["window_start"], row["window_end"])
    failed = row["outcome"] == "failed"
    return CheckResult(
        run_id=run_id,
        rule=rule.name,
        severity=row["severity"],
        window=window,
        evaluated_at=row["evaluated_at"],
        outcome=row["outcome"],
        rows=tuple(
            FailingRow(item["labels"], item["figures"], item["summary"], item.get("severity")) for item in detail
        )
        if failed
        else (),
        runbook=rule.runbook,
        reads_from=rule.reads_from(window),
        error=detail[0].get("error") if detail and not failed else None,
    )
