"""Which days a chart shows, and that its texts are exact where its bars are floats."""

from __future__ import annotations

import json
from datetime import date, timedelta

from checks_data import START, USDC

from reporting.chart_set import chart_set
from reporting.model import Amounts, Counts, Report, Unit
from warehouse.window import Window

TOKEN = Unit("USDC", USDC, 6)
BIG = 90_071_992_547_409_931


def report(window: Window, days: list[date]) -> Report:
    kpis = {"entry_volume": BIG, "prize_volume": 0, "fee_revenue": 1, "withdrawals_amount": None}
    return Report(
        window=window, platform="p", sources=[], reconciled=[], proofs=[], balances=[], stripe=[], checks=[], alerts=[],
        quarantine=[], missing=[], sections=[], absent=[],
        matches=[Counts(day, {"paid": 3, "free": 1}) for day in days],
        money=[Amounts(day, TOKEN, kpis, {}) for day in days],
    )  # fmt: skip


def money(window: Window, days: list[date]) -> dict:
    (chart,) = chart_set(report(window, days))["money"]
    return json.loads(chart.json)


def test_a_short_window_shows_each_day_and_a_day_without_data_is_a_gap():
    figure = money(Window(START, START + timedelta(days=3)), [date(2026, 10, 5), date(2026, 10, 7)])
    entries, _, fees, withdrawals = figure["data"]
    assert entries["x"] == ["2026-10-05", "2026-10-06", "2026-10-07"]
    assert entries["customdata"] == ["90,071,992,547.409931 USDC", "no data", "90,071,992,547.409931 USDC"]
    assert (fees["name"], fees["y"], fees["customdata"][0]) == ("Fees", [1e-06, None, 1e-06], "0.000001 USDC")
    assert withdrawals["customdata"] == ["no data"] * 3
    assert figure["layout"]["xaxis"]["type"] == "date"


def test_a_long_window_shows_only_the_days_that_have_data():
    days = [date(2009, 2, 13), date(2026, 10, 5)]
    figure = money(Window(START - timedelta(days=7000), START + timedelta(days=3)), days)
    assert figure["data"][0]["x"] == ["2009-02-13", "2026-10-05"]
    assert figure["layout"]["xaxis"]["type"] == "category"


def test_counts_are_stacked_and_nothing_can_end_the_script_element():
    charts = chart_set(report(Window(START, START + timedelta(days=1)), [date(2026, 10, 5)]))
    created, ended = (json.loads(chart.json) for chart in charts["matches"])
    assert [(trace["name"], trace["y"], trace["customdata"]) for trace in created["data"]] == [
        ("Paid", [3], ["3"]), ("Free", [1], ["1"]),
    ]  # fmt: skip
    assert created["layout"]["barmode"] == "stack"
    assert [trace["customdata"] for trace in ended["data"]] == [["no data"], ["no data"]]
    assert "<" not in "".join(chart.json for part in charts.values() for chart in part)
