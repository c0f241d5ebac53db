"""Terminal commands that need the warehouse: the balance proof of an account, and the backfill of a long window.

Imports that load the warehouse's client stand in the functions: `decode` of a file does not need them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ingestion.errors import SourceUnavailable
from warehouse.config import ConfigError, load_config
from warehouse.window import Window, WindowError

Start = Annotated[str, typer.Option("--from", help="First instant, ISO 8601, UTC.")]
End = Annotated[str, typer.Option("--to", help="Instant behind the last one, ISO 8601, UTC.")]


def prove(
    account: Annotated[str, typer.Option(help="One of the platform's own addresses.")], start: Start, end: End
) -> None:
    """Prove that no transaction of an account is missing: each balance before equals the last one after.

    Ends with 1 when the proof is broken, with 2 when nothing can be proved.
    """
    from ingestion.run import context
    from ingestion.solana.proof.account import NotWatched, prove_account, report
    from warehouse.client import WarehouseUnreachable

    try:
        window = Window.parse(start, end)
        proofs = prove_account(context(load_config()), account, window)
    except (ConfigError, WindowError, NotWatched, WarehouseUnreachable) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    for line in report(account, window, proofs):
        typer.echo(line)
    if not proofs:
        raise typer.Exit(2)
    if any(proof.breaks for proof in proofs):
        raise typer.Exit(1)


def backfill(
    start: Start,
    end: End,
    hours: Annotated[int, typer.Option(help="Length of the windows it is read in.", min=1)] = 24,
) -> None:
    """Read a long window of the chain, newest part first; run it again to go on where it was interrupted.

    Ends with 1 when a provider failed for good: what was read is kept.
    """
    from ingestion.solana import SOURCE
    from ingestion.solana.history.backfill import backfill as steps
    from ingestion.solana.history.backfill import chunks
    from warehouse.client import WarehouseUnreachable

    try:
        window, config = Window.parse(start, end), load_config()
    except (ConfigError, WindowError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    length = timedelta(hours=hours)
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]} rows/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(str(window), total=sum(1 for _ in chunks(window, length)), rows=0, rate="-")
        rows = 0
        try:
            for step in steps(config, SOURCE, window, length, f"backfill:{window}"):
                rows += step.rows
                elapsed = progress.tasks[0].elapsed or 1
                progress.update(bar, advance=1, description=str(step.window), rows=rows, rate=f"{rows / elapsed:,.0f}")
        except (SourceUnavailable, ConfigError, WarehouseUnreachable) as error:
            progress.stop()
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
    typer.echo(f"{window}: {rows:,} rows")
