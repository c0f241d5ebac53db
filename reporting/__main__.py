"""python -m reporting --start --end --out: the report of a window as one HTML page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from warehouse.client import WarehouseUnreachable, bigquery_client
from warehouse.config import ConfigError, load_config
from warehouse.window import Window, WindowError


def main(
    start: Annotated[str, typer.Option(help="start of the window, ISO 8601, UTC")],
    end: Annotated[str, typer.Option(help="end of the window, exclusive")],
    out: Annotated[Path, typer.Option(help="file to write")],
    run_id: Annotated[str, typer.Option(help="run that the page names")] = "manual",
) -> None:
    """Write the report of a window."""
    try:
        window, config = Window.parse(start, end), load_config()
        client = bigquery_client(config)
    except (WindowError, ConfigError, WarehouseUnreachable) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        raise typer.Exit(2) from None
    from reporting.report import build_report

    print(build_report(client, config, window, run_id, out))


if __name__ == "__main__":
    typer.run(main)
