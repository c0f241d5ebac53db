"""The marts of escrow life against what the simulated platform's program really did."""

from __future__ import annotations

import json

import figures_other
import pytest
from flow_harness import rows, warehouse_of

pytestmark = pytest.mark.xdist_group("flow")


@pytest.fixture(scope="module")
def client(home, clean):
    with warehouse_of(home) as connected:
        yield connected


def test_every_figure_of_escrow_life_is_the_truth(home, client):
    truth = json.loads((home / "sandbox" / "truth.json").read_text())
    assert figures_other.differences(client, truth) == []


def test_a_platform_without_exchange_has_no_row_of_one(client):
    for mart in ("exchange_hourly", "exchange_daily", "exchange_failures_daily"):
        assert rows(client, f"select * from marts.{mart}") == []
