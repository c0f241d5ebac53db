"""The run's summary over the small warehouse of the report's tests."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from checks_data import SKILL, START, USDC
from report_world import FEES, OUTSTANDING, build
from rich.console import Console

from reporting.model import Unit
from reporting.summary import render, summary
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

WINDOW = Window(START, START + timedelta(days=2))
TOKENS = {USDC: Unit("USDC", USDC, 6), SKILL: Unit("SKILL", SKILL, 9)}


def test_the_values_are_exact_sums_of_the_window(ops, config):
    build(ops)
    values = summary(ops, config, WINDOW)
    assert {s.name: (s.window_objects, s.window_rows, s.window_quarantined) for s in values.sources} == {
        "solana": (1, 1200, 0), "stripe": (0, 0, 0), "firebase": (1, 34, 1), "cloudflare": (0, 0, 0),
    }  # fmt: skip
    assert values.counts == {"created": 81, "of them paid": 50, "of them free": 31, "completed": 60, "cancelled": 4}
    fees = {unit: sum(fee for (_, mint), fee in FEES.items() if mint == unit.key) for unit in TOKENS.values()}
    assert values.amounts["fee revenue"] == fees
    closing = {unit: OUTSTANDING["2026-10-06", unit.key] for unit in TOKENS.values()}
    assert values.amounts["escrow outstanding at the end"] == closing
    assert values.amounts["net"] == {Unit("EUR", "eur", 2): 12340, Unit("JPY", "jpy", 0): 98765}
    assert (values.passed, values.failed) == (1, 2)
    assert [alert.summary for alert in values.open_alerts] == ["Vault off by -0.000001 USDC"]
    assert [alert.summary for alert in values.resolved_alerts] == ["Vault was off"]


def test_what_is_printed(ops, config):
    build(ops, stripe=False)
    out = io.StringIO()
    render(summary(ops, config, WINDOW), Console(file=out, width=120, no_color=True))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "│ solana │ 1 │ 1,200 │ 0 │" in lines
    assert "│ stripe │ no data │ │ │" in lines
    assert "│ fee revenue │ 0.000000001 │ 2.623456 │" in lines
    assert "│ created │ 81 │" in lines
    assert "checks: 1 passed, 2 failed; alerts: 1 open, 1 resolved" in lines
    assert " critical escrow_mismatch: Vault off by -0.000001 USDC (runbooks/escrow-mismatch.md)".strip() in lines
    assert not any("Stripe" in line for line in lines)
