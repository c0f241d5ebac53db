"""Charts of the report: plotly figures as JSON that the page's one copy of plotly.js draws when the page is laid out.

Bars and lines need numbers, so heights are floats of major units; every text that a reader sees is the exact amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from reporting.model import Unit

COLOURS = ("#2563eb", "#0d9488", "#d97706", "#7c3aed", "#dc2626", "#64748b")
GRID, INK, FAINT = "#e5e9f0", "#1f2937", "#6b7280"
FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 300
FAR_DAYS = 62
MANY_TICKS = 20


@dataclass(frozen=True)
class Series:
    """One line or one colour of bars: an amount for each day, None where there is none."""

    name: str
    amounts: Sequence[int | None]


def bars(days: Sequence[date], series: Sequence[Series], unit: Unit | None, stacked: bool = False) -> str:
    """Bars a day; `unit` None counts things. Stacked bars share a place, others stand side by side. Returns JSON."""
    figure = go.Figure()
    for colour, item in zip(_colours(series), series, strict=True):
        figure.add_bar(**_trace(item, days, unit), marker={"color": colour, "line": {"width": 0}})
    figure.update_layout(barmode="stack" if stacked else "group", bargap=0.35, bargroupgap=0.08)
    return _specification(figure, unit, days)


def lines(days: Sequence[date], series: Sequence[Series], unit: Unit | None) -> str:
    """Lines with a point a day; a day without a value is a gap. Returns JSON."""
    figure = go.Figure()
    for colour, item in zip(_colours(series), series, strict=True):
        figure.add_scatter(
            **_trace(item, days, unit),
            mode="lines+markers" if len(days) <= FAR_DAYS else "lines",
            line={"color": colour, "width": 2.5},
            marker={"size": 7, "color": colour},
            fill="tozeroy" if len(series) == 1 else None,
            fillcolor="rgba(37, 99, 235, 0.08)",
        )
    return _specification(figure, unit, days)


def library() -> str:
    """Source of plotly.js, once a page."""
    return get_plotlyjs()


def _colours(series: Sequence[Series]) -> list[str]:
    return [COLOURS[n % len(COLOURS)] for n in range(len(series))]


def _trace(item: Series, days: Sequence[date], unit: Unit | None) -> Mapping[str, object]:
    scale = 10 ** (unit.decimals if unit else 0)
    texts = [_text(amount, unit) for amount in item.amounts]
    return {
        "name": item.name,
        "x": [day.isoformat() for day in days],
        "y": [None if amount is None else amount / scale for amount in item.amounts],
        "customdata": texts,
        "hovertemplate": "%{fullData.name}: %{customdata}<extra></extra>",
    }


def _text(amount: int | None, unit: Unit | None) -> str:
    if amount is None:
        return "no data"
    return f"{unit.text(amount)} {unit.symbol}" if unit else f"{amount:,}"


def _specification(figure: go.Figure, unit: Unit | None, days: Sequence[date]) -> str:
    figure.update_layout(
        template="none",
        height=HEIGHT,
        margin={"l": 60, "r": 12, "t": 36 if len(figure.data) > 1 else 16, "b": 36},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12, "color": FAINT}},
        separators=".,",
    )
    figure.update_xaxes(showgrid=False, linecolor=GRID, tickcolor=GRID, **_day_axis(days))
    figure.update_yaxes(
        gridcolor=GRID,
        zerolinecolor="#cbd5e1",
        tickformat=",~r" if unit else ",d",
        ticksuffix="  ",
        rangemode="tozero",
        automargin=True,
    )
    return figure.to_json(remove_uids=True).replace("<", "\\u003c")


def _day_axis(days: Sequence[date]) -> Mapping[str, object]:
    """A calendar, half a day wider at both ends; a single day, or few that lie far apart, need no calendar."""
    far = (days[-1] - days[0]).days > FAR_DAYS
    if len(days) == 1 or (far and len(days) <= MANY_TICKS):
        return {"type": "category"}
    half = timedelta(hours=12)
    ends = [datetime.combine(days[0], time()) - half, datetime.combine(days[-1], time()) + half]
    ticks = {"tickvals": [day.isoformat() for day in days]} if len(days) <= 10 else {}
    return {
        "type": "date",
        "range": [end.isoformat() for end in ends],
        "tickformat": "%d %b %Y" if far else "%a %d %b",
        **ticks,
    }
