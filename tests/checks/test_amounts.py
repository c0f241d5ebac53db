"""Amounts as text, against Python's own decimal arithmetic."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from checks_data import USDC
from hypothesis import given
from hypothesis import strategies as st

from reporting.amounts import major_units, readable
from reporting.model import Unit


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_both_forms_are_exactly_the_amount(amount, decimals):
    with localcontext(prec=60):
        exact = Decimal(amount).scaleb(-decimals)
        assert Decimal(major_units(amount, decimals)) == exact
        assert Decimal(readable(amount, decimals).replace(",", "")) == exact
    assert len(major_units(amount, decimals).partition(".")[2]) == decimals


@pytest.mark.parametrize(
    ("amount", "decimals", "plain", "text"),
    [
        (0, 6, "0.000000", "0.00"),
        (1, 6, "0.000001", "0.000001"),
        (-1, 9, "-0.000000001", "-0.000000001"),
        (1_234_500_000, 6, "1234.500000", "1,234.50"),
        (-1_000_000_000, 6, "-1000.000000", "-1,000.00"),
        (1_234_567, 0, "1234567", "1,234,567"),
        (5, 1, "0.5", "0.5"),
        (1_002_003, 3, "1002.003", "1,002.003"),
    ],
)
def test_forms(amount, decimals, plain, text):
    assert (major_units(amount, decimals), readable(amount, decimals)) == (plain, text)


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        (Unit("KWD", "kwd", 3), 48_510, "48.510"),
        (Unit("JPY", "jpy", 0), 1_500, "1,500"),
        (Unit("USDC", USDC, 6), 48_510_000, "48.51"),
    ],
)
def test_currencies_keep_all_their_decimals_and_tokens_only_those_that_say_something(unit, amount, text):
    assert unit.text(amount) == text
