"""Anchor the seals, and write evidence bundles for auditors."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@contextmanager
def _told() -> Iterator[None]:
    """Errors that a person can do something about end the command with one line and exit 2."""
    from audit.anchors import AnchorError
    from audit.export import ExportError
    from audit.memo import MemoError
    from ingestion.errors import SourceUnavailable
    from warehouse.client import WarehouseUnreachable
    from warehouse.config import ConfigError

    try:
        yield
    except (AnchorError, ExportError, MemoError, SourceUnavailable, WarehouseUnreachable, ConfigError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _opened() -> tuple[Any, Any]:
    """(configuration, client); the tables of the audit log are there."""
    from audit.tables import ensure_tables  # here: --help doesn't need it
    from warehouse.client import bigquery_client
    from warehouse.config import load_config

    config = load_config()
    client = bigquery_client(config)
    ensure_tables(client)
    return config, client


@app.command()
def anchor() -> None:
    """Anchor the head of the log of seals in the bucket and, where that is switched on, in a memo on Solana."""
    from audit.anchors import anchor as write
    from audit.memo import post

    with _told():
        config, client = _opened()
        run_id = f"manual-{uuid.uuid4().hex}"
        done = write(config, client, run_id)
        print(f"{'anchored' if done.is_new else 'already anchored'}: {done.head.size} seals, root {done.head.root}")
        print(f"  {done.address}")
        if posted := post(config, client, run_id):
            print(f"  memo {posted.signature}")


@app.command()
def export(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first sealed day, UTC")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last sealed day, included")],
    out: Annotated[Path, typer.Option(help="folder, empty or missing")],
    subject: Annotated[
        str | None, typer.Option(help="token of a subject: its records alone, each with a proof")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="ndjson, or parquet beside the NDJSON")] = "ndjson",
) -> None:
    """Write an evidence bundle, check it, and print the receipt.

    0: it holds; 1: the warehouse doesn't hold what was sealed (the bundle shows where); 2: nothing could be written.
    """
    from audit.export import Asked, evidence_exported
    from audit.export import export as write
    from audit.verifier import Findings, check_bundle

    asked = Asked(first.date(), last.date(), subject, form)
    with _told():
        config, client = _opened()
        done = write(config, client, asked, out)
        evidence_exported(client, asked, done, f"manual-{uuid.uuid4().hex}")
    print(f"{done.records} records of {asked.first} to {asked.last} in {done.folder}")
    print(f"head: {done.head.size} seals up to {done.head.last_day}, root {done.head.root}")
    print(f"receipt: SHA-256 of manifest.json {done.manifest_sha256}")
    check_bundle(done.folder, {}, found := Findings())
    for problem in found.problems:
        print(f"PROBLEM  {problem}", file=sys.stderr)
    raise typer.Exit(found.code)
