"""The summary that a run prints: rows per source, KPIs, checks and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from alerting.alerts import Alert
from reporting.data import read_report
from reporting.model import Check, Report, Source, Unit, counted, outstanding, totals
from warehouse.config import Config
from warehouse.window import Window

OUTSTANDING = "escrow outstanding at the end"
MATCHES = {
    "created": "created",
    "of them paid": "paid",
    "of them free": "free",
    "completed": "completed",
    "cancelled": "cancelled",
}
MONEY = {
    "deposits": "deposits",
    "entry volume": "entry_volume",
    "prize volume": "prize_volume",
    "fee revenue": "fee_revenue",
    "refunds": "refunds",
    "withdrawals": "withdrawals_amount",
    "net deposits": "net_deposits",
}
STRIPE = {
    "gross": "gross",
    "refunded": "refunds",
    "disputed": "dispute_amount",
    "Stripe fees": "fees",
    "net": "net",
    "paid out": "payouts",
}


@dataclass(frozen=True)
class Summary:
    """Values of one window. Amounts are base or minor units by unit; a KPI without a source isn't there."""

    window: Window
    sources: Sequence[Source]
    counts: Mapping[str, int]
    amounts: Mapping[str, Mapping[Unit, int]]
    checks: Sequence[Check]
    open_alerts: Sequence[Alert]
    resolved_alerts: Sequence[Alert]

    @property
    def passed(self) -> int:
        """Checks that passed."""
        return sum(check.outcome == "passed" for check in self.checks)

    @property
    def failed(self) -> int:
        """Checks that failed or could not be evaluated."""
        return sum(check.outcome in ("failed", "error") for check in self.checks)


def summary(client: bigquery.Client, config: Config, window: Window) -> Summary:
    """The summary of a window, read from the warehouse."""
    return summarize(read_report(client, config, window))


def summarize(report: Report) -> Summary:
    """The summary of a report's values."""
    counts = {title: counted(report.matches, kpi) for title, kpi in MATCHES.items()}
    amounts = {
        **{title: totals(report.money, kpi) for title, kpi in MONEY.items()},
        OUTSTANDING: outstanding(report.closing()),
        **{title: totals(report.stripe, kpi) for title, kpi in STRIPE.items()},
    }
    return Summary(
        window=report.window,
        sources=report.sources,
        counts={title: value for title, value in counts.items() if value is not None},
        amounts={title: values for title, values in amounts.items() if values},
        checks=report.checks,
        open_alerts=report.open_alerts(),
        resolved_alerts=[alert for alert in report.alerts if alert.state == "resolved"],
    )


def render(values: Summary, console: Console) -> None:
    """Prints the summary as tables."""
    console.print(f"\n[bold]window[/bold] {values.window}", highlight=False)
    console.print(_sources(values))
    for table in _kpis(values):
        console.print(table)
    console.print(_checks(values))
    console.print(
        f"checks: {values.passed} passed, {values.failed} failed; alerts: {len(values.open_alerts)} open, "
        f"{len(values.resolved_alerts)} resolved",
        highlight=False,
    )
    for alert in values.open_alerts:
        console.print(
            f"  [red]{alert.severity}[/red] {alert.rule}: {alert.summary} (runbooks/{alert.runbook})",
            highlight=False,
            soft_wrap=True,
        )


def _sources(values: Summary) -> Table:
    table = Table("source")
    for title in ("objects", "rows", "quarantined"):
        table.add_column(title, justify="right")
    for source in values.sources:
        if source.window_objects:
            figures = (source.window_objects, source.window_rows, source.window_quarantined)
            table.add_row(source.name, *(f"{figure:,}" for figure in figures))
        else:
            table.add_row(source.name, "no data", "", "")
    return table


def _kpis(values: Summary) -> list[Table]:
    """Counts, then amounts with a column for each unit: mints and currencies apart, for they have no KPI in common."""
    tables = []
    if values.counts:
        table = Table("matches")
        table.add_column("count", justify="right")
        for title, count in values.counts.items():
            table.add_row(title, f"{count:,}")
        tables.append(table)
    for group, titles in (("money", [*MONEY, OUTSTANDING]), ("Stripe", STRIPE)):
        rows = {title: values.amounts[title] for title in titles if title in values.amounts}
        columns = sorted({unit for by_unit in rows.values() for unit in by_unit})
        if not rows:
            continue
        table = Table(group)
        for unit in columns:
            table.add_column(unit.symbol, justify="right")
        for title, by_unit in rows.items():
            table.add_row(title, *(unit.text(by_unit[unit]) if unit in by_unit else "-" for unit in columns))
        tables.append(table)
    return tables


def _checks(values: Summary) -> Table:
    table = Table("check", "severity", "outcome")
    table.add_column("found", overflow="fold")
    colours = {"passed": "green", "failed": "red", "error": "yellow", "not_applicable": "dim"}
    for check in values.checks:
        outcome = f"[{colours[check.outcome]}]{check.outcome.replace('_', ' ')}[/]"
        table.add_row(check.rule, check.severity, outcome, "\n".join(check.found[:5]) or "-")
    return table
