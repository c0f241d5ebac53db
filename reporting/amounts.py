"""Exact amounts as text: integers in minor or base units and their decimals, never floats."""

from __future__ import annotations


def major_units(amount: int, decimals: int) -> str:
    """`amount` base units as a decimal number with all its decimals: (1500000, 6) is 1.500000, (-1, 2) is -0.01."""
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    return f"{'-' if amount < 0 else ''}{whole}{'.' + fraction if fraction else ''}"


def readable(amount: int, decimals: int, least: int = 2) -> str:
    """Like major_units with thousands separated by commas and without needless zeros after `least` decimals.

    No digit that isn't zero is ever left out: (1234500000, 6) is 1,234.50, (1, 6) is 0.000001.
    """
    whole, _, fraction = major_units(amount, decimals).partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    fraction = fraction.rstrip("0").ljust(min(least, decimals), "0")
    return f"{sign}{int(whole):,}{'.' + fraction if fraction else ''}"
