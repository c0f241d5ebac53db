"""Times are exact to the nanosecond, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.times import BadTime, Instant, instant

S = 1_000_000_000


@pytest.mark.parametrize(
    ("value", "nanos"),
    [
        (1506702504433000200, 1506702504433000200),
        ("1506702504433000200", 1506702504433000200),
        (1506702504433000, 1506702504433000 * 1000),
        (1506702504433, 1506702504433 * 10**6),
        (1506702504, 1506702504 * S),
        ("1506702504", 1506702504 * S),
        ("1506702504.433000200", 1506702504433000200),
        (1506702504.433, 1506702504433 * 10**6),
        (0, 0),
        (-1, -S),
        ("1.692429158123456E9", 1692429158123456 * 1000),
        ("2017-09-29T16:28:24.433000200Z", 1506702504433000200),
        ("2017-09-29T16:28:24Z", 1506702504 * S),
        ("2017-09-29t18:28:24.5+02:00", 1506702504 * S + S // 2),
        ("2017-09-29 16:28:24.433 UTC", 1506702504433 * 10**6),
        ("2017-09-29 16:28:24", 1506702504 * S),
        ("2017-09-29", 1506643200 * S),
        ("2016-12-31T23:59:60Z", 1483228800 * S),
        ("1970-01-01T00:00:00.000Z", 0),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_every_form_gives_the_exact_nanosecond(value, nanos):
    assert instant(value).unix_nanos == nanos


@pytest.mark.parametrize(("unit", "nanos"), [("s", 7 * S), ("ms", 7_000_000), ("us", 7_000), ("ns", 7)])
def test_a_known_unit_is_not_guessed(unit, nanos):
    assert instant(7, unit).unix_nanos == nanos
    assert instant("7", unit).unix_nanos == nanos


@pytest.mark.parametrize(
    "value",
    [
        1.5067025044330002e18,  # a float of 19 digits has lost some
        float("nan"),
        float("inf"),
        True,
        None,
        [],
        {},
        "",
        "soon",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+99:00",
        "12345-01-01T00:00:00Z",
        10**30,
        "9" * 31,
        "1e99",
        "1e999999999",
        "0x10",
        "١٢٣",
    ],
)
def test_what_is_no_exact_time_is_refused(value):
    with pytest.raises(BadTime):
        instant(value)


def test_microseconds_are_cut_and_never_rounded_up():
    assert instant("2026-10-05T23:59:59.999999999Z").text == "2026-10-05T23:59:59.999999Z"
    assert str(instant("2026-10-05T23:59:59.999999999Z").day) == "2026-10-05"
    assert instant(-1, "ns").text == "1969-12-31T23:59:59.999999Z"


@given(st.integers(min_value=10**17, max_value=10**19 - 1))
def test_unixnano_survives_as_number_and_text(nanos):
    assert instant(nanos) == instant(str(nanos)) == Instant(nanos)
