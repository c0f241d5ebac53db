"""What people say of differences between ledgers, and where a drift began."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Finding = Annotated[str, typer.Argument(metavar="ID", help="finding's id, or its beginning")]
Reason = Annotated[str, typer.Option("--reason", help="reason code")]
Note = Annotated[str, typer.Option("--note", help="why; names no person")]
By = Annotated[str, typer.Option("--by", help="role of who decides, as finance or on-call")]


def _client() -> Any:
    from warehouse.client import WarehouseUnreachable, bigquery_client  # here: --help doesn't need it
    from warehouse.config import ConfigError, load_config

    try:
        return bigquery_client(load_config())
    except (ConfigError, WarehouseUnreachable) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command("list")
def list_(
    area: Annotated[str | None, typer.Option("--area", help="escrow, stripe, settlement or gap")] = None,
    everything: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
) -> None:
    """Findings that are open or explained, oldest first."""
    from audit.reconciliation import findings

    found = findings(_client(), area, everything)
    table = Table(title=f"{len(found):,} findings")
    for heading in ("id", "area", "kind", "place", "match", "amount", "unit", "since", "state", "reason", "by"):
        table.add_column(heading, justify="right" if heading == "amount" else "left", no_wrap=heading == "id")
    for row in found:
        amount = "" if row["amount"] is None else f"{int(row['amount']):+,}"
        values = [row[name] or "" for name in ("area", "kind", "place", "match_id")]
        ends = [row[name] or "" for name in ("state", "reason_code", "decided_by")]
        since = f"{row['opened_at']:%Y-%m-%d %H:%M}"
        table.add_row(row["finding_id"][:12], *values, amount, row["unit"] or "", since, *ends)
    Console().print(table)


@app.command()
def explain(finding: Finding, reason: Reason, note: Note, by: By) -> None:
    """Say why a finding is there; it stays listed as explained until it is gone or its amount changes."""
    _decide("explain", finding, reason, note, by)


@app.command()
def close(finding: Finding, reason: Reason, note: Note, by: By) -> None:
    """Close a finding; it opens again when its amount changes."""
    _decide("close", finding, reason, note, by)


@app.command()
def locate(
    vault: Annotated[str, typer.Argument(help="vault token account")],
    day: Annotated[str, typer.Option("--day", help="UTC day to look back from, YYYY-MM-DD")],
) -> None:
    """Find by bisection where a vault's balance on chain and its decoded events parted."""
    from audit.drift import locate as located

    try:
        newest = date.fromisoformat(day)
    except ValueError:
        print(f"error: not a day: {day}", file=sys.stderr)
        raise typer.Exit(2) from None
    found = located(_client(), vault, newest)
    if found is None:
        print(f"chain and events agree at the end of {day}")
        return
    print(f"{found.amount:+,} base units since slot {found.slot} ({found.block_time:%Y-%m-%d %H:%M:%S})")
    print(f"transactions of the slot: {', '.join(found.signatures) or 'none'}; days read: {found.days_read}")
    raise typer.Exit(1)


def _decide(decision: str, finding: str, reason: str, note: str, by: str) -> None:
    from audit.reconciliation import Decision, DecisionRefused, decide

    try:
        decided = decide(_client(), finding, Decision(decision, reason, note, by), datetime.now(UTC))
    except DecisionRefused as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{decided[:12]}: {'explained' if decision == 'explain' else 'closed'} ({reason}, {by})")
