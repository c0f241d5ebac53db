"""Whole runs of the three sources with faults and a SIGKILL, judged by what was sent: a few seeds of the campaign."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator

import pytest
import source_campaign
import source_runs


@pytest.fixture(scope="module")
def platform(embedded) -> Iterator[source_runs.Platform]:
    """A platform that is served. Processes that can be killed start from one that has the imports behind it."""
    os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(source_runs.__file__)])
    multiprocessing.get_context("forkserver").set_forkserver_preload(["source_runs"])
    with source_runs.served() as served:
        yield served


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_of_the_campaign(platform, seed):
    outcome = source_campaign.source_run(seed, platform)
    assert outcome.is_good, outcome
