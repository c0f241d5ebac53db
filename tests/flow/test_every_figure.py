"""The marts of a clean run against what the simulated platform really did, figure by figure."""

from __future__ import annotations

import copy

import figures_platform
import pytest
from figures import AREAS, truth_of
from flow_harness import rows, warehouse_of

from sandbox import people_truth
from warehouse.config import load_config

pytestmark = pytest.mark.xdist_group("flow")


@pytest.fixture(scope="module")
def client(home, clean):
    with warehouse_of(home) as connected:
        yield connected


@pytest.mark.parametrize("area", AREAS)
def test_every_figure_is_the_truth(home, client, area):
    assert AREAS[area](client, truth_of(home)) == []


def test_the_comparison_sees_a_base_unit_and_a_user(home, client):
    other = copy.deepcopy(truth_of(home))
    next(iter(other["hours"]["2026-10-06T10:00:00Z"]["M17"]["money"].values()))["net_deposits"] += "1"
    other["days"]["2026-10-06"]["M18"]["users"]["new_users"] += 1
    assert len(figures_platform.differences(client, other)) == 2


def test_a_platform_without_exchange_has_no_row_of_one(client):
    for mart in ("exchange_hourly", "exchange_daily", "exchange_failures_daily"):
        assert rows(client, f"select * from marts.{mart}") == []
    status = rows(client, "select state from marts.warehouse_metric_status where metric = 'M19'")
    assert {row["state"] for row in status} == {"not_on_platform"}


def test_a_clean_run_restates_nothing(client):
    assert rows(client, "select * from marts.restatements") == []
    assert rows(client, "select count(distinct mart) as marts from ops.figures")[0]["marts"] > 20


def test_the_truth_has_the_limits_of_the_configuration():
    thresholds = load_config().thresholds
    assert thresholds.kyc_withdrawal_limits == people_truth.LIMITS
    assert thresholds.minimum_group == people_truth.SMALLEST_GROUP
