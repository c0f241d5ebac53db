"""Whatever order data arrive in, every table that is built up equals, row for row, one that is built in full.

`make campaign` draws 300 orders (CAMPAIGN=1, or ORDERS=n), 50 platforms with an order each in one warehouse. Builds of
them take minutes, so `make test` has one order of hand-written objects (test_drawn_orders.py), and the late and
repeated data of test_marts.py, test_lifecycles.py and test_late_objects.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from arrivals import arrival_orders, arrive, in_full, many_platforms, unequal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.landed import Landed, landed_platform
from warehouse.services import runtime_environment

ORDERS = int(os.environ.get("ORDERS") or (300 if os.environ.get("CAMPAIGN") else 0))
PLATFORMS = min(max(ORDERS, 1), 50)
PARTS = 2 if ORDERS > PLATFORMS else 1
"""Which may run side by side (-n 2), each with warehouses of its own."""
pytestmark = pytest.mark.skipif(not ORDERS, reason="orders of arrival take minutes: make campaign")
_numbers = count(1)


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    """Two days of each platform."""
    before = dict(os.environ)
    os.environ.update(runtime_environment(Path(tmp_path_factory.mktemp("arrivals"))))
    with landed_platform(days=2) as platform:
        yield many_platforms(platform, PLATFORMS)
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(
    "part", [pytest.param(n, marks=pytest.mark.xdist_group(f"arrivals-{n}")) for n in range(PARTS)]
)
@settings(
    max_examples=-(-ORDERS // (PLATFORMS * PARTS)) or 1,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_order_of_arrival_ends_as_a_full_refresh(platforms: Landed, part: int, data: st.DataObject) -> None:
    arrivals, number = data.draw(arrival_orders(platforms, part)), next(_numbers)
    repeated = sorted(n for arrival in arrivals for n in arrival.repeated)
    built = arrive(platforms, arrivals, f"arrivals-{number}")
    differing = unequal(built, in_full(platforms, repeated, f"in-full-{number}"))
    assert not differing, "\n".join(f"{name}: {rows}" for name, rows in differing.items())
    builds = len(arrivals) + sum(arrival.again for arrival in arrivals)
    line = f"part {part}, {number}: {PLATFORMS} orders, {builds} builds, {len(repeated)} objects twice: equal"
    print(line, file=sys.__stderr__, flush=True)
