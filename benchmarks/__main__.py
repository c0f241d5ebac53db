"""python -m benchmarks [NAME ...]: run benchmarks and print their tables."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

NAMES = (
    *("load", "logpush_memory", "solana_decode", "solana_rows", "solana_memory", "stripe_pages", "transform"),
    *("history", "audit_tree"),
)


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"any of: {', '.join(NAMES)}; all by default")] = None,
    rows: Annotated[int, typer.Option(help="records to generate")] = 100_000,
    runs: Annotated[int, typer.Option(help="counted runs of each side, in turn")] = 3,
) -> None:
    """Run benchmarks one after the other."""
    for name in names or NAMES:
        import_module(f"benchmarks.{name}").main(rows, runs)


typer.run(main)
