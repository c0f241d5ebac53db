"""python -m alerting list | history | ack | silence | deliver | test | incident: alerts at a terminal."""

from __future__ import annotations

import re
import sys
import uuid
from datetime import datetime, timedelta
from typing import Annotated, NoReturn

import typer
from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from alerting import cli_incidents
from warehouse.client import WarehouseUnreachable, bigquery_client
from warehouse.config import Config, ConfigError, load_config
from warehouse.window import WindowError, format_instant, parse_instant

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(cli_incidents.app, name="incident")
Person = Annotated[str, typer.Option("--by", help="role or name; no e-mail address")]
_SPAN = re.compile(r"^(\d{1,4})([mhd])$")


def _stop(message: str) -> NoReturn:
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(2)


def _connect() -> tuple[Config, bigquery.Client]:
    try:
        config = load_config()
        return config, bigquery_client(config)
    except (ConfigError, WarehouseUnreachable) as error:
        _stop(str(error))


def _now() -> datetime:
    from expectations.run import utc_now

    return utc_now()


@app.command(name="list")
def list_alerts(all: Annotated[bool, typer.Option("--all", help="resolved ones too")] = False) -> None:
    """Show the open alerts, newest first, and what keeps them from being told."""
    from alerting import store
    from alerting.engine import muted
    from alerting.policy import policy_of
    from expectations.rules import RuleError, load_rules

    config, client = _connect()
    now = _now()
    alerts = store.all_alerts(client) if all else store.latest_alerts(client)
    if not alerts:
        print("no alerts" if all else "no open alerts")
        return
    try:
        why = muted(store.load(client, now).state, now, policy_of(config, load_rules()))
    except (ConfigError, RuleError) as error:
        _stop(str(error))
    table = Table("key", "severity", "rule", "state", "since", "resolved", "what", "not told", "runbook")
    for alert in sorted(alerts, key=lambda item: item.opened_at, reverse=True):
        resolved = format_instant(alert.resolved_at) if alert.resolved_at else "-"
        state = f"{alert.state} by {alert.acknowledged_by}" if alert.state == "acknowledged" else alert.state
        table.add_row(
            alert.alert_key[:8], alert.severity, alert.rule, state + (", flapping" if alert.flapping else ""),
            format_instant(alert.opened_at), resolved, alert.summary,
            (why.get(alert.alert_key) if alert.is_open else None) or "-", f"runbooks/{alert.runbook}",
        )  # fmt: skip
    Console().print(table)


@app.command()
def history(
    key: Annotated[str | None, typer.Argument(help="alert key, or its beginning; left out: all alerts")] = None,
    limit: Annotated[int, typer.Option(min=1, help="so many happenings, the newest")] = 50,
) -> None:
    """Show what happened to alerts, oldest first."""
    from alerting.store import events_of

    _, client = _connect()
    events = events_of(client, key, limit)
    if not events:
        print("no history" if key is None else f"no history of {key}")
        return
    table = Table("when", "key", "rule", "severity", "what", "who", "detail")
    for event in events:
        table.add_row(
            format_instant(event.happened_at.replace(microsecond=0)), event.alert_key[:8], event.rule, event.severity,
            event.event, event.actor or "-", event.detail or "-",
        )  # fmt: skip
    Console().print(table)


@app.command()
def ack(
    key: Annotated[str, typer.Argument(help="alert key, or its beginning (see list)")],
    by: Person,
    note: Annotated[str, typer.Option(help="what you are doing about it")] = "",
) -> None:
    """Take an alert over: nobody else is woken, and its channels are told."""
    from alerting.engine import NothingToAcknowledge
    from alerting.run import take_over
    from alerting.store import ConcurrentChange

    person = _person(by)
    config, client = _connect()
    try:
        alert = take_over(config, client, key, person, note, _now)
    except (NothingToAcknowledge, ConfigError) as error:
        _stop(str(error))
    except ConcurrentChange:
        _stop("other processes keep changing the alerts; try again")
    print(f"acknowledged {alert.alert_key[:8]} {alert.rule}: {alert.summary}")
    _deliver(config, client)


@app.command()
def silence(
    matcher: Annotated[
        list[str] | None, typer.Argument(help='such as rule="escrow_mismatch" vault=~"3b.*"; all must fit')
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="role or name; no e-mail address")] = None,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
    span: Annotated[str, typer.Option("--for", help="how long: 30m, 2h, 1d")] = "1h",
    start: Annotated[str | None, typer.Option(help="from when, ISO 8601, UTC; left out: now")] = None,
    end: Annotated[str | None, typer.Option("--end", help="end the silence with this id now")] = None,
) -> None:
    """Keep alerts from being told for a while; without matchers, show the silences. They stay in the list."""
    from alerting import store
    from alerting.matchers import MatcherError, parse
    from alerting.silences import Silence

    now = _now()
    if end is not None:
        _, client = _connect()
        if not store.end_silence(client, end, now):
            _stop(f"--end: no silence {end} holds")
        print(f"silence {end} ended")
        return
    if not matcher:
        _show_silences(_connect()[1], now)
        return
    if not by or not reason:
        _stop("a silence needs --by and --reason")
    try:
        matchers = tuple(parse(text) for text in matcher)
        starts = parse_instant(start) if start else now
    except (MatcherError, WindowError) as error:
        _stop(str(error))
    ends = starts + _span(span)
    if ends <= now:
        _stop("the silence would be over already")
    made = Silence(uuid.uuid4().hex[:8], matchers, starts, ends, _person(by), reason, now)
    store.add_silence(_connect()[1], made)
    print(f"silence {made.silence_id} until {format_instant(ends.replace(microsecond=0))}")


@app.command()
def deliver() -> None:
    """Do what is due now (escalations, the digest, what was held back) and send the outbox.

    Run it every minute. Ends 1 when a channel doesn't take its own.
    """
    from alerting.run import tick
    from alerting.store import ConcurrentChange
    from expectations.rules import RuleError

    config, client = _connect()
    try:
        delivery = tick(config, client, _now).notifications
        cli_incidents.follow_alerts(config, client)
    except (ConfigError, RuleError) as error:
        _stop(str(error))
    except ConcurrentChange:
        _stop("other processes keep changing the alerts; try again")
    _report(delivery.sent, delivery.errors)


@app.command()
def test(channel: Annotated[str, typer.Argument(help="a channel of the configuration")]) -> None:
    """Send a test alert to one channel. On PagerDuty it opens an incident that a person must close."""
    from alerting.channels import build_channels
    from alerting.http import DeliveryError
    from alerting.message import Links, trial
    from warehouse import secrets

    try:
        config = load_config()
    except ConfigError as error:
        _stop(str(error))
    channels = build_channels(config, secrets.lookup)
    if channel not in channels:
        _stop(f"there is no channel {channel}; the channels are {', '.join(channels) or '(none)'}")
    links = Links(config.project, config.alerting.runbook_url, config.alerting.rows_url)
    try:
        channels[channel].send(trial(channel, _now(), links))
    except DeliveryError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"channel {channel} took a test alert")


def _deliver(config: Config, client: bigquery.Client) -> None:
    from alerting.run import deliver as deliver_outbox

    delivery = deliver_outbox(client, config, _now)
    _report(delivery.sent, delivery.errors)


def _report(sent: int, errors: tuple[str, ...]) -> None:
    print(f"{sent} sent, {len(errors)} left in the outbox")
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if errors:
        raise typer.Exit(1)


def _show_silences(client: bigquery.Client, now: datetime) -> None:
    from alerting.store import silences

    found = silences(client, now)
    if not found:
        print("no silences")
        return
    table = Table("id", "from", "until", "matchers", "who", "why")
    for item in found:
        table.add_row(
            item.silence_id, format_instant(item.starts_at), format_instant(item.ends_at),
            " ".join(map(str, item.matchers)), item.created_by, item.reason,
        )  # fmt: skip
    Console().print(table)


def _person(text: str) -> str:
    """A role or name. An address is refused: it would stand in alerts and in the warehouse."""
    if not re.fullmatch(r"[\w .'-]{1,60}", text):
        _stop("--by: give a role or a name (letters, digits, spaces, at most 60), not an address")
    return text.strip()


def _span(text: str) -> timedelta:
    form = _SPAN.match(text)
    if not form or not int(form[1]):
        _stop(f"--for: {text!r} is no span; write 30m, 2h or 1d")
    return int(form[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[form[2]]


if __name__ == "__main__":
    app()
