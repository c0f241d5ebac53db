"""python -m alerting list | deliver: alerts and the outbox at a terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from warehouse.client import WarehouseUnreachable, bigquery_client
from warehouse.config import Config, ConfigError, load_config
from warehouse.window import format_instant

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _connect() -> tuple[Config, bigquery.Client]:
    try:
        config = load_config()
        return config, bigquery_client(config)
    except (ConfigError, WarehouseUnreachable) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command(name="list")
def list_alerts(all: Annotated[bool, typer.Option("--all", help="resolved ones too")] = False) -> None:
    """Show the open alerts, newest first."""
    from alerting.store import all_alerts, latest_alerts

    _, client = _connect()
    alerts = all_alerts(client) if all else latest_alerts(client)
    if not alerts:
        print("no alerts" if all else "no open alerts")
        return
    table = Table("severity", "rule", "state", "since", "resolved", "what", "runbook")
    for alert in sorted(alerts, key=lambda item: item.opened_at, reverse=True):
        resolved = format_instant(alert.resolved_at) if alert.resolved_at else "-"
        table.add_row(
            alert.severity, alert.rule, alert.state, format_instant(alert.opened_at), resolved, alert.summary,
            f"runbooks/{alert.runbook}",
        )  # fmt: skip
    Console().print(table)


@app.command()
def deliver() -> None:
    """Send what is still in the outbox. Ends 1 when a channel doesn't take its own."""
    from alerting.channels import build_channels
    from alerting.run import deliver as deliver_outbox
    from expectations.run import utc_now
    from warehouse import secrets

    config, client = _connect()
    delivery = deliver_outbox(client, build_channels(config, secrets.lookup), utc_now)
    print(f"{delivery.sent} sent, {len(delivery.errors)} left in the outbox")
    for error in delivery.errors:
        print(f"error: {error}", file=sys.stderr)
    if delivery.errors:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
