"""Whatever order data arrive in, every table that is built up equals, row for row, one that is built in full.

`make campaign` draws 300 orders (CAMPAIGN=1, or ORDERS=n). An order takes minutes, so `make test` has the short form
over hand-written days alone: late and repeated data of tests/dbt/test_marts.py and test_lifecycles.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from arrivals import arrival_orders, arrive, differences, in_full
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.landed import Landed, landed_platform
from warehouse.services import runtime_environment

EXAMPLES = int(os.environ.get("ORDERS") or (300 if os.environ.get("CAMPAIGN") else 0))
pytestmark = pytest.mark.skipif(not EXAMPLES, reason="an order of arrival takes minutes: make campaign")
_names = count()
_in_full: dict[tuple[int, ...], dict] = {}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    """Two days of the sandbox."""
    before = dict(os.environ)
    os.environ.update(runtime_environment(Path(tmp_path_factory.mktemp("arrivals"))))
    with landed_platform(days=2) as platform:
        yield platform
    os.environ.clear()
    os.environ.update(before)


@settings(
    max_examples=max(EXAMPLES, 1),
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_order_of_arrival_ends_as_a_full_refresh(landed: Landed, data: st.DataObject) -> None:
    order, number = data.draw(arrival_orders(landed)), next(_names)
    built, plan = arrive(landed, order, f"arrivals-{number}")
    repeated = tuple(sorted(n for arrival in order for n in arrival.repeated))
    if repeated not in _in_full:
        _in_full[repeated] = in_full(landed, repeated, plan, f"in-full-{number}")
    assert differences(built, _in_full[repeated]) == {}
    print(f"order {number}: {len(order)} rounds, {len(repeated)} objects twice: equal")
