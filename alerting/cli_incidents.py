"""python -m alerting incident list | show | note | status | resolve | postmortem."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from warehouse.client import WarehouseUnreachable, bigquery_client
from warehouse.config import Config, ConfigError, load_config

app = typer.Typer(no_args_is_help=True, help="Incidents: what critical alerts opened, how it stands, what came of it.")
Key = Annotated[str, typer.Argument(help="incident id, its beginning or its end (see list)")]
Person = Annotated[str, typer.Option("--by", help="role or name; no e-mail address")]
_LEVELS = ("SEV1", "SEV2", "SEV3", "SEV4")


def _stop(message: str) -> NoReturn:
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(2)


@contextmanager
def _warehouse():
    """Configuration and client; what a person can mend ends the command with its message."""
    from alerting.incidents import IncidentError
    from alerting.store import ConcurrentChange

    try:
        config = load_config()
        yield config, bigquery_client(config)
    except (ConfigError, WarehouseUnreachable, IncidentError) as error:
        _stop(str(error))
    except ConcurrentChange:
        _stop("other processes keep changing the incidents; try again")


def _clock() -> Callable:
    from expectations.run import utc_now

    return utc_now


def _person(text: str) -> str:
    """A role or name. An address is refused: it would stand in the record."""
    if not re.fullmatch(r"[\w .'-]{1,60}", text):
        _stop("--by: give a role or a name (letters, digits, spaces, at most 60), not an address")
    return text.strip()


@app.command(name="list")
def list_incidents(all: Annotated[bool, typer.Option("--all", help="resolved ones too")] = False) -> None:
    """Show the incidents that are not resolved, newest first."""
    from alerting.incident_store import keep_up
    from alerting.postmortem import instant

    with _warehouse() as (config, client):
        known = keep_up(client, config, _clock())
    shown = [item for item in known.incidents if all or item.status != "resolved"]
    if not shown:
        print("no incidents" if all else "no open incidents")
        return
    table = Table("id", "level", "status", "started", "resolved", "alerts", "what")
    for item in reversed(shown):
        table.add_row(
            item.incident_id, item.level, item.status, instant(item.started_at), instant(item.resolved_at),
            str(len(item.alerts)), item.title,
        )  # fmt: skip
    Console().print(table)


@app.command()
def show(key: Key) -> None:
    """Show one incident with its timeline."""
    from alerting.incident_store import find, keep_up, record_of
    from alerting.postmortem import in_words, instant

    with _warehouse() as (config, client):
        known = keep_up(client, config, _clock())
        incident = find(known.incidents, key)
        record = record_of(client, incident)
    print(f"{incident.incident_id} {incident.level} {incident.status} since {instant(incident.status_at)}")
    print(incident.title)
    for name in ("impact", "root_cause", "prevention"):
        if text := getattr(incident, name):
            print(f"{name.replace('_', ' ')}: {text}")
    table = Table("when", "what", "who")
    for item in record:
        table.add_row(instant(item.happened_at), in_words(item), item.actor or "-")
    Console().print(table)


@app.command()
def note(key: Key, text: Annotated[str, typer.Argument(help="what you saw or did")], by: Person) -> None:
    """Add a line to an incident's timeline."""
    from alerting import incidents

    person = _person(by)
    _act(key, lambda incident, _, now: incidents.note(incident, person, text, now))


@app.command()
def status(
    key: Key,
    status: Annotated[str, typer.Argument(help="investigating, identified or monitoring")],
    by: Person,
    level: Annotated[str | None, typer.Option(help="SEV1, SEV2, SEV3 or SEV4, where it has changed")] = None,
) -> None:
    """Say how an incident stands; `resolve` closes it."""
    from alerting import incidents

    person = _person(by)
    if status not in incidents.STATUSES:
        _stop(f"status: {status!r} is none of {', '.join(incidents.STATUSES)}")
    if level is not None and level not in _LEVELS:
        _stop(f"--level: {level!r} is none of {', '.join(_LEVELS)}")
    _act(key, lambda incident, _, now: incidents.set_status(incident, status, person, now, level))


@app.command()
def resolve(
    key: Key,
    by: Person,
    root_cause: Annotated[str, typer.Option(help="what made it possible")],
    prevention: Annotated[str | None, typer.Option(help="what changes, so that it doesn't come again")] = None,
    impact: Annotated[str | None, typer.Option(help="what users noticed, how much money, for how long")] = None,
) -> None:
    """Close an incident; none of its alerts may fire any more."""
    from alerting import incidents

    person = _person(by)
    _act(
        key,
        lambda incident, alerts, now: incidents.resolve(
            incident, alerts, person, now, root_cause, prevention, impact
        ),
    )  # fmt: skip


@app.command()
def postmortem(
    key: Key, output: Annotated[Path | None, typer.Option(help="file to write; left out: print it")] = None
) -> None:
    """Write the draft of an incident's postmortem (Markdown) from what is recorded."""
    from alerting.incident_store import alerts_of, find, keep_up, record_of
    from alerting.postmortem import draft

    with _warehouse() as (config, client):
        incident = find(keep_up(client, config, _clock()).incidents, key)
        text = draft(incident, alerts_of(client, incident), record_of(client, incident))
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        _stop(f"--output: {output}: {error.strerror}")
    print(f"draft: {output}")


def _act(key: str, what: Callable) -> None:
    from alerting.incident_store import act

    with _warehouse() as (config, client):
        incident = act(client, config, key, _clock(), what)
    print(f"{incident.incident_id} {incident.level} {incident.status}")


def follow_alerts(config: Config, client: bigquery.Client) -> None:
    """Let the incidents follow the alerts; for commands that change alerts."""
    from alerting.incident_store import keep_up

    keep_up(client, config, _clock())
