"""What could not be used: list it, look at it, and read it again after a fix."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ingestion.replay import Selection

app = typer.Typer(no_args_is_help=True, help=__doc__)

SourceName = Annotated[str | None, typer.Option("--source", help="solana, stripe, firebase or cloudflare")]
Dataset = Annotated[str | None, typer.Option("--dataset")]
Code = Annotated[str | None, typer.Option("--code", help="reason code")]
ObjectUri = Annotated[str | None, typer.Option("--object", help="address of a landed object")]


def _context() -> Any:
    from ingestion import run  # here: it loads the warehouse's client, which --help doesn't need
    from warehouse.client import WarehouseUnreachable
    from warehouse.config import ConfigError, load_config

    try:
        return run.context(load_config())
    except (ConfigError, WarehouseUnreachable) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command("list")
def list_(source: SourceName = None, dataset: Dataset = None, code: Code = None, object_uri: ObjectUri = None) -> None:
    """How many rows, by source, dataset and reason."""
    from ingestion.replay import groups

    found = groups(_context(), Selection(source, dataset, code, object_uri))
    table = Table(title=f"quarantine: {sum(row['quarantined'] for row in found):,} rows")
    for heading in ("source", "dataset", "reason", "rows", "objects", "first seen", "last seen", "example"):
        table.add_column(
            heading, justify="right" if heading in ("rows", "objects") else "left", no_wrap=heading == "example"
        )
    for row in found:
        seen = [f"{row[name]:%Y-%m-%d %H:%M}" if row[name] else "" for name in ("first_seen_at", "last_seen_at")]
        counts = [f"{row['quarantined']:,}", f"{row['objects']:,}"]
        table.add_row(row["source"], row["dataset"], row["reason_code"], *counts, *seen, row["example"][:12])
    Console().print(table)


@app.command()
def show(
    row: Annotated[str, typer.Argument(help="quarantine id, or its beginning")],
    raw: Annotated[bool, typer.Option("--raw", help="the original bytes to standard output, and nothing else")] = False,
) -> None:
    """One row with its reason. The original bytes may hold personal data: they are shown only with --raw."""
    from ingestion.replay import original, rows
    from ingestion.sealing import WrongKey

    ctx = _context()
    found = rows(ctx, Selection(row=row), 2)
    if len(found) != 1:
        print(
            f"error: {'no row has' if not found else 'several rows have'} an id that begins with {row}", file=sys.stderr
        )
        raise typer.Exit(1)
    [chosen] = found
    if raw:
        try:
            sys.stdout.buffer.write(original(ctx, chosen))
        except WrongKey as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        return
    for name, value in chosen.items():
        if name != "raw_sealed" and value not in (None, ""):
            print(f"{name.strip('_'):16} {value}")


@app.command()
def replay(
    source: SourceName = None,
    dataset: Dataset = None,
    code: Code = None,
    object_uri: ObjectUri = None,
    row: Annotated[str | None, typer.Option("--row", help="quarantine id, or its beginning")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every object that has a row in quarantine")] = False,
) -> None:
    """Read the objects of the chosen rows again, as after a fix. The next build of the models takes in what changes."""
    from ingestion.replay import replay as read_again

    chosen = Selection(source, dataset, code, object_uri, row)
    if everything == (chosen != Selection()):
        print(
            "error: name what to read again (--source, --dataset, --code, --object, --row), or --all", file=sys.stderr
        )
        raise typer.Exit(2)
    done = read_again(_context(), chosen)
    print(f"{done.objects} objects read again: {done.before} rows in quarantine before, {done.after} after")
    raise typer.Exit(0 if done.after == 0 else 1)
