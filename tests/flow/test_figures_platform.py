"""People, money, matches, escrow and compliance, day by day and hour by hour, against what the platform really did."""

from __future__ import annotations

import copy
import json

import figures_platform
import pytest
from flow_harness import warehouse_of

from sandbox import people_truth
from warehouse.config import load_config

pytestmark = pytest.mark.xdist_group("flow")


def test_every_figure_of_the_platform_is_the_truth(home, clean):
    truth = json.loads((home / "sandbox" / "truth.json").read_text())
    with warehouse_of(home) as client:
        assert figures_platform.differences(client, truth) == []
        # One base unit and one user elsewhere: the comparison sees them.
        other = copy.deepcopy(truth)
        next(iter(other["hours"]["2026-10-06T10:00:00Z"]["M17"]["money"].values()))["net_deposits"] += "1"
        other["days"]["2026-10-06"]["M18"]["users"]["new_users"] += 1
        assert len(figures_platform.differences(client, other)) == 2


def test_the_truth_has_the_limits_of_the_configuration():
    thresholds = load_config().thresholds
    assert thresholds.kyc_withdrawal_limits == people_truth.LIMITS
    assert thresholds.minimum_group == people_truth.SMALLEST_GROUP
