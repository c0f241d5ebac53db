"""python -m ingestion: land and load one source by hand, and what each source offers at the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ingestion import sources
from ingestion.cli_quarantine import app as quarantine
from ingestion.errors import SourceUnavailable
from ingestion.solana.cli import app as solana
from warehouse.client import WarehouseUnreachable
from warehouse.config import ConfigError, load_config
from warehouse.window import Window, WindowError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(solana, name="solana")
app.add_typer(quarantine, name="quarantine")


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help=", ".join(sources.NAMES))],
    start: Annotated[str, typer.Option(help="start of the window, ISO 8601, UTC")],
    end: Annotated[str, typer.Option(help="end of the window, exclusive")],
) -> None:
    """Land and load one source's window, outside Airflow."""
    from ingestion import run  # here: it loads the warehouse's client, which other commands don't need

    try:
        window, chosen, config = Window.parse(start, end), sources.source(source), load_config()
        landed = run.land(chosen, window, run.context(config), "by hand")
        loaded = run.load(chosen, window, run.context(config), "by hand")
    except (ConfigError, WindowError, WarehouseUnreachable, SourceUnavailable, KeyError) as error:
        print(f"error: {error.args[0] if error.args else error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(f"{landed} objects landed, {loaded.rows} rows loaded, {loaded.quarantined} in quarantine")


if __name__ == "__main__":
    app()
