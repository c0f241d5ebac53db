"""Incidents in the warehouse: ops.incidents as they stand, ops.incident_events as an append-only record.

A change is written in one transaction, and only when the record is as long as it was when the change was decided. The
row of ops.alert_engine is taken first, so that of two processes one waits or fails; who was too late decides anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from alerting.alerts import Alert
from alerting.incidents import Changed, Happening, Identity, Incident, IncidentError, follow, grouping_of
from alerting.store import ConcurrentChange, alert_of, insert, plain
from expectations.table import unnested
from warehouse.config import Config
from warehouse.window import format_instant, parse_instant

MEMORY = timedelta(days=7)
"""An alert that was resolved longer ago than this and is in no incident opens none any more."""
_CONFLICT = ("concurrent update", "aborted", "conflict", "serialize")
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Known:
    """All incidents, oldest first, the alerts that matter to open ones or may open one, and the record's length."""

    incidents: tuple[Incident, ...]
    alerts: Mapping[Identity, Alert]
    length: int


def load(client: bigquery.Client, now: datetime) -> Known:
    """What is known at `now`."""
    (row,) = client.query("select count(*) as n from ops.incident_events").result()
    found = client.query("select * from ops.incidents order by started_at, incident_id").result()
    incidents = tuple(_incident(row) for row in found)
    members = sorted({key for item in incidents if item.status != "resolved" for key, _ in item.alerts})
    parameters = [
        bigquery.ScalarQueryParameter("since", "TIMESTAMP", now - MEMORY),
        bigquery.ArrayQueryParameter("keys", "STRING", members),
    ]
    alerts = client.query(
        "select * from ops.alerts where state != 'pending' "
        "and (state != 'resolved' or resolved_at >= @since or alert_key in unnest(@keys))",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()
    held = [alert_of(row) for row in alerts]
    return Known(incidents, {alert.identity: alert for alert in held}, row["n"])


def save(client: bigquery.Client, known: Known, incidents: Sequence[Incident], happened: Sequence[Happening]) -> None:
    """Write what changed since `known`; nothing where nothing happened. Raises alerting.store.ConcurrentChange."""
    if not happened:
        return
    unchanged = f"(select count(*) from ops.incident_events) = {known.length}"
    ids = unnested([{"id": incident.incident_id} for incident in incidents])
    statements = [
        "update ops.alert_engine set changed_at = changed_at where true",
        f"delete from ops.incidents as i where {unchanged} and i.incident_id in "
        f"(select json_value(r, '$.id') from {ids})",
        insert("incidents", [_record(incident) for incident in incidents], unchanged),
        insert("incident_events", [plain(vars(item)) for item in happened], unchanged),
    ]
    script = "begin transaction;\n" + ";\n".join(filter(None, statements)) + ";\ncommit transaction;"
    try:
        client.query(script).result()
    except GoogleAPICallError as error:
        if any(word in str(error).lower() for word in _CONFLICT):
            raise ConcurrentChange(str(error).splitlines()[0]) from None
        raise
    wanted = {item.event_id for item in happened}
    parameters = [bigquery.ArrayQueryParameter("ids", "STRING", sorted(wanted))]
    (row,) = client.query(
        "select count(distinct event_id) as n from ops.incident_events where event_id in unnest(@ids)",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()
    if row["n"] != len(wanted):
        raise ConcurrentChange("another process wrote to the record of incidents first")


def keep_up(client: bigquery.Client, config: Config, clock: Clock) -> Known:
    """Let the incidents follow the alerts; what is known afterwards. Safe to repeat and to kill at any point."""
    grouping = grouping_of(config.alerting.incidents)
    for attempt in _attempts():
        with attempt:
            known = load(client, clock())
            incidents, happened = follow(known.incidents, known.alerts.values(), grouping)
            save(client, known, incidents, happened)
    return load(client, clock()) if happened else known


def act(client: bigquery.Client, config: Config, key: str, clock: Clock, what: Callable[..., Changed]) -> Incident:
    """Let a person's `what(incident, alerts, now)` happen to the incident whose id is or begins with `key`.

    Raises IncidentError.
    """
    for attempt in _attempts():
        with attempt:
            known = keep_up(client, config, clock)
            incidents, happened = what(find(known.incidents, key), known.alerts, clock())
            save(client, known, incidents, happened)
    return incidents[0]


def find(incidents: Sequence[Incident], key: str) -> Incident:
    """The incident whose id is `key`, or begins or ends with it. Raises IncidentError when none or several fit."""
    found = [item for item in incidents if item.incident_id.startswith(key) or item.incident_id.endswith(key)]
    if len(found) != 1:
        raise IncidentError(f"{len(found) or 'no'} incident{'s' if len(found) > 1 else ''} with id {key}")
    return found[0]


def record_of(client: bigquery.Client, incident: Incident) -> list[Happening]:
    """What happened to it, oldest first: its own record, and that of its alerts."""
    own = client.query(
        "select * from ops.incident_events where incident_id = @id",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter("id", "STRING", incident.incident_id)]
        ),
    ).result()
    parameters = [bigquery.ArrayQueryParameter("keys", "STRING", sorted({key for key, _ in incident.alerts}))]
    of_alerts = client.query(
        "select e.event_id, e.happened_at, e.event, e.actor, e.alert_key, e.opened_at, e.rule, e.detail, a.note "
        "from ops.alert_events as e left join ops.acknowledgements as a on e.event = 'acknowledged' "
        "and e.alert_key = a.alert_key and e.opened_at = a.opened_at and e.happened_at = a.acknowledged_at "
        "where e.alert_key in unnest(@keys)",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()
    happened = [Happening(**dict(row)) for row in own]
    happened += [
        Happening(
            row["event_id"], incident.incident_id, row["happened_at"], row["event"], row["actor"],
            f"{row['alert_key'][:8]} {row['rule']}" + (f": {row['note']}" if row["note"] else ""),
        )
        for row in of_alerts
        if (row["alert_key"], row["opened_at"]) in incident.alerts and row["event"] != "firing"
    ]  # fmt: skip
    return sorted(happened, key=lambda item: (item.happened_at, item.event_id))


def alerts_of(client: bigquery.Client, incident: Incident) -> list[Alert]:
    """Its alerts, in the order in which they joined."""
    parameters = [bigquery.ArrayQueryParameter("keys", "STRING", sorted({key for key, _ in incident.alerts}))]
    rows = client.query(
        "select * from ops.alerts where alert_key in unnest(@keys)",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()
    found = {alert.identity: alert for alert in map(alert_of, rows)}
    return [found[identity] for identity in incident.alerts if identity in found]


def _incident(row: Mapping) -> Incident:
    alerts = tuple((key, parse_instant(opened_at)) for key, opened_at in json.loads(row["alerts"]))
    return Incident(**{**dict(row), "alerts": alerts})


def _record(incident: Incident) -> dict:
    alerts = json.dumps([[key, format_instant(opened_at)] for key, opened_at in incident.alerts])
    return {**plain(vars(incident)), "alerts": alerts}


def _attempts() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(ConcurrentChange),
        stop=stop_after_attempt(10),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
