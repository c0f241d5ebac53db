"""A failing row as a sentence: Jinja templates with a filter that writes amounts exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2 import meta

from reporting.amounts import major_units
from warehouse.config import Mint


def _environment(mints: Mapping[str, Mint]) -> jinja2.Environment:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True)

    def token(amount: Any, mint: str) -> str:
        """Amount of base units as `1.5 USDC (1500000 base units)`; a mint without configuration in base units only."""
        base = f"{int(amount)} base unit{'' if abs(int(amount)) == 1 else 's'}"
        known = mints.get(mint)
        return f"{major_units(int(amount), known.decimals)} {known.symbol} ({base})" if known else f"{base} of {mint}"

    environment.filters["token"] = token
    return environment


def names_in(template: str) -> set[str]:
    """Columns that a summary uses. Raises jinja2.TemplateSyntaxError."""
    return meta.find_undeclared_variables(_environment({}).parse(template))


def render(template: str, row: Mapping[str, Any], mints: Mapping[str, Mint]) -> str:
    """The sentence for one failing row, on one line. Raises jinja2.TemplateError."""
    return " ".join(_environment(mints).from_string(template).render(row).split())
