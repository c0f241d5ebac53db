"""Solana: signatures, transactions, Anchor events and balances of the platform's program and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestion.solana.source import SOURCE

__all__ = ["SOURCE"]


def __getattr__(name: str) -> Any:
    """SOURCE on demand: the warehouse client takes seconds to import, and the decoder does not need it."""
    if name == "SOURCE":
        from ingestion.solana.source import SOURCE

        return SOURCE
    raise AttributeError(name)
