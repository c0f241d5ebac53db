"""Which charts a report has: one for each mint or currency, for amounts in different units can't share an axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from reporting import charts
from reporting.model import Amounts, Balance, Counts, Report, Unit, units
from reporting.sections import Filled
from warehouse.window import Window

EVERY_DAY = 62
"""Windows of up to this many days show each of them; longer ones only the days that have data."""

MONEY = {
    "Entries": "entry_volume",
    "Prizes": "prize_volume",
    "Fees": "fee_revenue",
    "Withdrawals": "withdrawals_amount",
}
STRIPE = {"Gross": "gross", "Net": "net"}
CREATED = {"Paid": "paid", "Free": "free"}
ENDED = {"Completed": "completed", "Cancelled": "cancelled"}


@dataclass(frozen=True)
class Chart:
    """A chart of the page: the id of its element, its caption, and what plotly.js draws."""

    id: str
    title: str
    json: Markup


def chart_set(report: Report) -> dict[str, list[Chart]]:
    """The charts of each part of the page; none for a part without data."""
    window = report.window
    return {
        "balances": [
            _balances(report.balances, unit, window, f"chart-balance-{n}")
            for n, unit in enumerate(units(report.balances))
        ],
        "money": [
            _amounts(report.money, unit, window, f"chart-money-{n}", MONEY)
            for n, unit in enumerate(units(report.money))
        ],
        "matches": [
            _counts(report.matches, window, "chart-matches-created", "Created, by kind", CREATED),
            _counts(report.matches, window, "chart-matches-ended", "Ended", ENDED),
        ]
        if report.matches
        else [],
        **{part.section.id: [_section(part, window)] for part in report.sections if part.rows},
        "stripe": [
            _amounts(report.stripe, unit, window, f"chart-stripe-{n}", STRIPE)
            for n, unit in enumerate(units(report.stripe))
        ],
    }


def _section(part: Filled, window: Window) -> Chart:
    held = {column: part.by_day(column) for column in part.section.drawn}
    days = _days(window, {day for sums in held.values() for day in sums})
    series = [
        charts.Series(part.section.counts[column], [sums.get(day) for day in days]) for column, sums in held.items()
    ]
    caption = ", ".join(part.section.counts[column].lower() for column in held).capitalize()
    return Chart(f"chart-{part.section.id}", caption, Markup(charts.bars(days, series, None)))


def _days(window: Window, present: Iterable[date]) -> Sequence[date]:
    days = window.days()
    return days if len(days) <= EVERY_DAY else sorted(present)


def _balances(rows: Iterable[Balance], unit: Unit, window: Window, name: str) -> Chart:
    held: dict[date, int] = {}
    for row in rows:
        if row.unit == unit:
            held[row.day] = held.get(row.day, 0) + row.outstanding
    days = _days(window, held)
    series = [charts.Series("Outstanding", [held.get(day) for day in days])]
    return Chart(name, unit.symbol, Markup(charts.lines(days, series, unit)))


def _amounts(rows: Iterable[Amounts], unit: Unit, window: Window, name: str, kpis: Mapping[str, str]) -> Chart:
    by_day = {row.day: row.amounts for row in rows if row.unit == unit}
    days = _days(window, by_day)
    series = [charts.Series(title, [by_day.get(day, {}).get(kpi) for day in days]) for title, kpi in kpis.items()]
    return Chart(name, unit.symbol, Markup(charts.bars(days, series, unit)))


def _counts(rows: Iterable[Counts], window: Window, name: str, title: str, kpis: Mapping[str, str]) -> Chart:
    by_day = {row.day: row.counts for row in rows}
    days = _days(window, by_day)
    series = [charts.Series(label, [by_day.get(day, {}).get(kpi) for day in days]) for label, kpi in kpis.items()]
    return Chart(name, title, Markup(charts.bars(days, series, None, stacked=True)))
