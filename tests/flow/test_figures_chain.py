"""The chain's and the RPC providers' marts against what the simulated chain holds and which calls were made."""

from __future__ import annotations

import json

import figures_chain
import figures_rpc
import pytest
from flow_harness import warehouse_of

pytestmark = pytest.mark.xdist_group("flow")


@pytest.fixture(scope="module")
def client(home, clean):
    with warehouse_of(home) as connected:
        yield connected


def test_every_figure_of_the_chain_is_the_truth(home, client):
    truth = json.loads((home / "sandbox" / "truth.json").read_text())
    assert figures_chain.differences(client, truth) == []


def test_every_figure_of_the_providers_is_what_their_calls_come_to(client):
    assert figures_rpc.differences(client) == []
