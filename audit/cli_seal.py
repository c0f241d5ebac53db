"""Keep, seal, verify and prove the records of the audit log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def record(
    start: Annotated[str, typer.Option(help="start of the window, ISO 8601, UTC")],
    end: Annotated[str, typer.Option(help="end of the window, exclusive")],
) -> None:
    """Add what is new to the audit log: of the window's days, and of those that were loaded into since last time."""
    from audit import records
    from warehouse.client import WarehouseUnreachable, bigquery_client
    from warehouse.config import ConfigError, load_config
    from warehouse.window import Window, WindowError

    try:
        config, window = load_config(), Window.parse(start, end)
        added = records.record(config, bigquery_client(config), window, f"record:{window.slug}")
    except (ConfigError, WarehouseUnreachable, WindowError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for stream, count in sorted(added.counts.items()):
        print(f"{stream:40} {count:,}")
    print(f"{added.total:,} records added; {len(added.days)} days looked at")


@app.command()
def seal(
    end: Annotated[str, typer.Option(help="end of the window, ISO 8601, UTC: days that end by then are closed")],
) -> None:
    """Seal every closed day that isn't sealed yet."""
    from audit.seal import SealDisagreement, seal_window
    from warehouse.window import Window, WindowError, parse_instant

    config, client = _connected()
    try:
        until = parse_instant(end)
        done = seal_window(config, client, Window(until - timedelta(days=1), until), f"seal:{end}")
    except (SealDisagreement, WindowError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for one in done.seals:
        print(f"{one['seal_no']:8} {one['seal_day']} {one['stream']:40} {one['records']:12,} {one['root']}")
    print(f"{len(done.seals)} seals over {done.records:,} records")


@app.command()
def verify(
    stream: Annotated[str | None, typer.Option(help="records of this stream only")] = None,
    day: Annotated[str | None, typer.Option(help="records of this seal day only, YYYY-MM-DD")] = None,
    memos: Annotated[bool, typer.Option("--memos", help="read the memos on Solana too")] = False,
    payer: Annotated[list[str] | None, typer.Option(help="with --memos: a key that posted memos of heads")] = None,
) -> None:
    """Recompute records, leaves, nodes, seals and anchors, and say what isn't as it was sealed; exit 1 for that."""
    from audit.memo import MemoError
    from audit.memo_check import check_memos
    from audit.reader import Warehouse
    from audit.verify import verify as recompute

    config, client = _connected()
    source = Warehouse(config, client)
    verdict = recompute(source, stream, _day(day) if day else None)
    if memos:
        try:
            seen = check_memos(config, source.seals(), source.anchors(), payer or ())
        except MemoError as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        verdict.findings += seen.findings
        print(f"{seen.read:,} memos read back, {seen.listed:,} in the histories of {len(seen.payers):,} keys")
    for finding in verdict.findings:
        print(finding)
    print(
        f"{verdict.records:,} records in {verdict.days:,} days, {verdict.seals:,} seals, {verdict.anchors:,} anchors: "
        + ("all as sealed" if verdict.holds else f"{len(verdict.findings):,} findings")
    )
    for count, what in (
        (verdict.waiting, "records wait for the next seal"),
        (verdict.purged, "records are not in the warehouse any more; their hashes are"),
        (verdict.unanchored, "seals are not anchored yet"),
    ):
        if count:
            print(f"{count:,} {what}")
    raise typer.Exit(0 if verdict.holds else 1)


@app.command()
def prove(
    record_id: Annotated[str, typer.Argument(help="record_id in audit.events")],
    day: Annotated[str | None, typer.Option(help="the record's event_day; without it, all days are searched")] = None,
    size: Annotated[int | None, typer.Option(help="number of seals of the head; the newest by default")] = None,
) -> None:
    """Print the proof that a record is in the log, as JSON."""
    from audit.prove import prove as proof_of

    _, client = _connected()
    with _told():
        print(json.dumps(proof_of(client, record_id, size, _day(day) if day else None), indent=1, ensure_ascii=False))


@app.command()
def consistency(
    old: Annotated[str, typer.Argument(help="number of seals, or a day: YYYY-MM-DD")],
    new: Annotated[str | None, typer.Argument(help="the same; all seals by default")] = None,
) -> None:
    """Print the proof that the log of seals only grew between two heads, as JSON, and check it. Exit 1 if it didn't."""
    from audit.heads import is_consistent
    from audit.prove import growth, growth_document

    _, client = _connected()
    with _told():
        proof = growth(client, old, new)
    print(json.dumps(growth_document(proof), indent=1))
    if not is_consistent(proof):
        print("error: the proof doesn't hold", file=sys.stderr)
        raise typer.Exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """What can't be proved ends the command with one line and exit 1."""
    from audit.anchors import AnchorError
    from audit.prove import NotProvable

    try:
        yield
    except (AnchorError, NotProvable) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _connected() -> tuple[Any, Any]:
    from warehouse.client import WarehouseUnreachable, bigquery_client
    from warehouse.config import ConfigError, load_config

    try:
        config = load_config()
        return config, bigquery_client(config)
    except (ConfigError, WarehouseUnreachable) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"not a day (YYYY-MM-DD): {text}") from None
