"""The sources by name, imported only when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.base import Source

NAMES = ("solana", "stripe", "firebase", "cloudflare")


def source(name: str) -> Source:
    """The source called `name`. Raises KeyError."""
    if name not in NAMES:
        raise KeyError(f"no source called {name!r}; there are {', '.join(NAMES)}")
    return import_module(f"ingestion.{name}").SOURCE
