"""The marts of the platform's operation and of the warehouse's own, against what really happened."""

from __future__ import annotations

import json

import figures_operations
import pytest
from flow_harness import warehouse_of

pytestmark = pytest.mark.xdist_group("flow")


def test_every_figure_of_the_operation_is_the_truth(home, clean):
    truth = json.loads((home / "sandbox" / "truth.json").read_text())
    with warehouse_of(home) as client:
        assert figures_operations.differences(client, truth) == []
