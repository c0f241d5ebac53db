"""The report's values as one HTML page that needs nothing else: styles, charts and their library are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jinja2
from markupsafe import Markup

from reporting import charts
from reporting.chart_set import chart_set
from reporting.model import Report, Source, Unit, counted, outstanding, totals
from reporting.sections import percent
from warehouse.window import Window

HERE = Path(__file__).parent
OPEN_DAYS = 14
"""Tables of figures stand open up to this many days; beyond they wait to be opened."""


@dataclass(frozen=True)
class Line:
    """One figure of a tile."""

    kpi: str
    value: int
    text: str
    unit: str = ""
    key: str = ""
    title: str = ""


@dataclass(frozen=True)
class Tile:
    """One headline: its figures, and what to say beneath; no figure is `absent`."""

    id: str
    title: str
    lines: Sequence[Line]
    note: str = ""
    kind: str = ""
    absent: bool = False


def render_page(report: Report, run_id: str) -> str:
    """The page; the same report and run give the same text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("template.html.j2").render(
        report=report,
        run_id=run_id,
        window_text=span(report.window),
        verdict=verdict(report),
        tiles=tiles(report),
        charts=chart_set(report),
        open_details=len(report.window.days()) <= OPEN_DAYS,
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        plotly=Markup(charts.library()),
        base=base_units,
        percent=percent,
        time=instant,
        span=span,
        size=size,
        lag=lambda source: lag(source, report.window),
    )


def verdict(report: Report) -> Mapping[str, str]:
    """The page in a sentence: kind is good, bad or idle (nothing was checked)."""
    outcomes, alerts = report.outcomes(), report.open_alerts()
    checked = f"{outcomes['passed']} of {report.judged()} checks passed"
    if alerts:
        return {"kind": "bad", "title": f"{len(alerts)} open alert{'s' if len(alerts) > 1 else ''}", "text": checked}
    if outcomes["failed"] or outcomes["error"]:
        return {"kind": "bad", "title": "Not all checks passed", "text": checked}
    if not report.checks:
        return {"kind": "idle", "title": "Nothing checked yet", "text": "no check was evaluated for this window"}
    return {"kind": "good", "title": "All is well", "text": f"{checked}, no open alert"}


def tiles(report: Report) -> list[Tile]:
    """Headline figures; money apart for each mint or currency, since they can't be added up."""
    closing, outcomes, alerts = report.closing(), report.outcomes(), report.open_alerts()
    held = outstanding(closing)
    fees, net = totals(report.money, "fee_revenue"), totals(report.stripe, "net")
    created, paid, free = (counted(report.matches, kpi) for kpi in ("created", "paid", "free"))
    failed = outcomes["failed"] + outcomes["error"]
    slot, rows = report.as_of_slot(), sum(source.window_rows for source in report.sources)
    quarantined = sum(source.window_quarantined for source in report.sources)
    return [
        Tile(
            "escrow", "Escrow outstanding", _amount_lines("escrow_outstanding", held), absent=not held,
            note=f"end of {closing[0].day:%-d %b %Y}" if closing else "",
        ),
        Tile(
            "fees", "Fee revenue", _amount_lines("fee_revenue_total", fees), absent=not fees,
            note="in the window" if fees else "",
        ),
        Tile(
            "stripe", "Stripe net", _amount_lines("stripe_net_total", net), absent=not net,
            note="in the window" if net else "",
        ),
        Tile(
            "matches", "Matches", _count_lines("matches_total", created), absent=created is None,
            note=f"{paid or 0:,} paid, {free or 0:,} free" if created is not None else "",
        ),
        Tile(
            "alerts", "Open alerts", _count_lines("alerts_open", len(alerts)), kind="bad" if alerts else "good",
            note=f"{sum(alert.state == 'resolved' for alert in report.alerts)} resolved",
        ),
        Tile(
            "checks", "Checks passed",
            [Line("checks_passed", outcomes["passed"], f"{outcomes['passed']} of {report.judged()}")],
            kind="bad" if failed else "good" if report.checks else "",
            note=f"{outcomes['failed']} failed, {outcomes['error']} not evaluated"
            + (f", {outcomes['not_applicable']} not applicable" if outcomes["not_applicable"] else ""),
        ),
        Tile("rows", "Rows loaded", _count_lines("rows_loaded", rows), note=f"{quarantined:,} in quarantine"),
        Tile(
            "slot", "As of slot", _count_lines("as_of_slot", slot), absent=slot is None,
            note=f"window {span(report.window)}",
        ),
    ]  # fmt: skip


def _amount_lines(kpi: str, sums: Mapping[Unit, int]) -> list[Line]:
    return [
        Line(kpi, value, unit.text(value), unit.symbol, unit.key, base_units(value, unit))
        for unit, value in sums.items()
    ]


def _count_lines(kpi: str, value: int | None) -> list[Line]:
    return [] if value is None else [Line(kpi, value, f"{value:,}")]


def base_units(amount: int, unit: Unit) -> str:
    """The integer that an amount is: 1500000 base units, or minor units for a currency."""
    kind = "minor" if len(unit.key) == 3 else "base"
    return f"{amount:,} {kind} unit{'' if abs(amount) == 1 else 's'}"


def instant(value: datetime | None) -> str:
    """A time to the second, UTC; a dash for none."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def span(window: Window) -> str:
    """A window for people: days where it is made of whole days, else both times."""
    whole = all(time == time.replace(hour=0, minute=0, second=0, microsecond=0) for time in (window.start, window.end))
    if not whole:
        return f"{window.start:%Y-%m-%d %H:%M} – {window.end:%Y-%m-%d %H:%M}"
    first, last = window.days()[0], window.days()[-1]
    if first == last:
        return f"{first:%-d %b %Y}"
    return f"{first:%-d %b}{'' if first.year == last.year else f' {first:%Y}'} – {last:%-d %b %Y}"


def size(value: int) -> str:
    """Bytes in the largest unit that leaves a whole number above zero."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value} B"


def lag(source: Source, window: Window) -> str:
    """How far a source's newest data lie behind the window's end."""
    if source.newest_event_at is None:
        return "–"
    behind = window.end - source.newest_event_at
    if behind <= timedelta(0):
        return "none"
    hours, rest = divmod(int(behind.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
