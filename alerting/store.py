"""Alerts in the warehouse: ops.alerts as they stand, ops.alert_events as a history, ops.silences, and the version.

A change is decided on the state of one version (ops.alert_engine) and written over that version only: alerts, history
and outbox in one transaction, whose every statement looks for the version that its first one set. So of two processes
that decided on the same state one writes, and the other reads and decides again; a crash leaves all of it or nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from alerting.alerts import Alert
from alerting.engine import HOUR, EngineState, Notification
from alerting.history import Event, events_between
from alerting.matchers import parse
from alerting.outbox import Entry, entry_rows
from alerting.silences import Silence
from expectations.table import typed, unnested
from ingestion.tables import OPS, table_schema
from warehouse.window import format_instant, parse_instant

ALERTS_A_WRITE = 200  # BigQuery takes statements of up to 1 MB
_CONFLICT = ("concurrent update", "aborted", "conflict", "serialize")
_LISTS = ("told_to",)
_INSTANTS = ("changes",)
_TIMES = [field.name for field in table_schema("alerts", OPS) if field.field_type == "TIMESTAMP"]


class ConcurrentChange(RuntimeError):
    """Another process changed the alerts meanwhile; read them again and decide anew."""


@dataclass(frozen=True)
class Held:
    """The state as it was read, and its version."""

    version: int
    state: EngineState


@dataclass(frozen=True)
class Acknowledgement:
    """A row of ops.acknowledgements."""

    alert_key: str
    opened_at: datetime
    acknowledged_at: datetime
    acknowledged_by: str
    note: str


def load(client: bigquery.Client, now: datetime, keys: Iterable[str] = (), memory: timedelta = HOUR) -> Held:
    """The state at `now`: alerts that aren't over or of which something may be told, those of `keys`, and those that
    were resolved within `memory` (as far back as cooldown and flapping look)."""
    version, recent, digest_at, summary_at = _engine(client)
    rows = _query(
        client,
        "select * from ops.alerts where state != 'resolved' or not coalesce(settled, false) "
        "or resolved_at >= @since or alert_key in unnest(@keys) order by opened_at",
        bigquery.ScalarQueryParameter("since", "TIMESTAMP", now - memory),
        bigquery.ArrayQueryParameter("keys", "STRING", sorted(set(keys))),
    )
    newest = {alert.alert_key: alert for alert in map(alert_of, rows)}
    state = EngineState(newest, tuple(silences(client, now)), recent, digest_at, summary_at)
    return Held(version, state)


def _engine(client: bigquery.Client) -> tuple[int, tuple[datetime, ...], datetime | None, datetime | None]:
    """The version and what belongs to no alert. Two first rows, written at once, move together and count as one."""
    for _ in range(2):
        rows = list(_query(client, "select * from ops.alert_engine order by version desc limit 1"))
        if rows:
            row = rows[0]
            recent = tuple(parse_instant(text) for text in json.loads(row["recent"] or "[]"))
            return row["version"], recent, row["digest_at"], row["summary_at"]
        client.query(
            "insert into ops.alert_engine (version) select 0 from (select 1) "
            "where not exists (select 1 from ops.alert_engine)"
        ).result()
    raise RuntimeError("ops.alert_engine holds no row after one was written")


def save(
    client: bigquery.Client,
    held: Held,
    after: EngineState,
    notifications: Sequence[Notification],
    entries: Mapping[str, Sequence[Entry]],
    now: datetime,
    run_id: str,
    acknowledgement: Acknowledgement | None = None,
) -> None:
    """Writes what changed between the held state and `after`, with the outbox entries of each notification (by its id).

    Nothing is written where nothing changed. Many alerts are written in several transactions, each of which is a state
    that the engine could have been in. Raises ConcurrentChange when another process was first.
    """
    before, version = held.state, held.version
    for partial, told in _portions(before, after, notifications):
        events = events_between(before, partial, told, now, run_id)
        changed = [alert for key, alert in partial.alerts.items() if before.alerts.get(key) != alert]
        gone = [alert for key, alert in before.alerts.items() if key not in partial.alerts]
        same = (partial.recent, partial.digest_at, partial.summary_at) == (
            before.recent,
            before.digest_at,
            before.summary_at,
        )
        if changed or gone or told or acknowledgement or not same:
            queued = [entry for notification in told for entry in entries[notification.notification_id]]
            _write(client, version, partial, changed, gone, events, queued, now, acknowledgement)
            version, acknowledgement = version + 1, None
        before = partial


def _portions(
    before: EngineState, after: EngineState, notifications: Sequence[Notification]
) -> list[tuple[EngineState, list[Notification]]]:
    """The way from one state to the other in steps of few alerts. Until the step with its notification, an alert has
    what was told of it as before."""
    telling = {alert.alert_key for notification in notifications for alert in notification.alerts}
    changed = [key for key, alert in after.alerts.items() if before.alerts.get(key) != alert]
    if len(changed) <= ALERTS_A_WRITE:
        return [(after, list(notifications))]
    steps: list[tuple[EngineState, list[Notification]]] = []
    partial = before
    quiet = [key for key in changed if key not in telling]
    for start in range(0, len(quiet), ALERTS_A_WRITE):
        some = {key: after.alerts[key] for key in quiet[start : start + ALERTS_A_WRITE]}
        partial = replace(partial, alerts={**partial.alerts, **some})
        steps.append((partial, []))
    for told in _apart(notifications):
        some = {
            alert.alert_key: after.alerts[alert.alert_key] for notification in told for alert in notification.alerts
        }
        recent = (*partial.recent, *(notification.at for notification in told))
        partial = replace(partial, alerts={**partial.alerts, **some}, recent=recent)
        steps.append((partial, told))
    return [*steps, (after, [])]


def _apart(notifications: Sequence[Notification]) -> list[list[Notification]]:
    """Notifications in parts that have no alert in common."""
    parts: list[tuple[set[str], list[Notification]]] = []
    for notification in notifications:
        keys = {alert.alert_key for alert in notification.alerts}
        joined = [notification]
        for part in [part for part in parts if part[0] & keys]:
            parts.remove(part)
            keys |= part[0]
            joined = part[1] + joined
        parts.append((keys, joined))
    return [members for _, members in parts]


def _write(
    client: bigquery.Client,
    version: int,
    after: EngineState,
    changed: Sequence[Alert],
    gone: Sequence[Alert],
    events: Sequence[Event],
    entries: Sequence[Entry],
    now: datetime,
    acknowledgement: Acknowledgement | None,
) -> None:
    token = uuid.uuid4().hex
    engine = {
        "version": version + 1,
        "writer": token,
        "changed_at": format_instant(now),
        "recent": json.dumps([format_instant(at) for at in after.recent]),
        "digest_at": format_instant(after.digest_at) if after.digest_at else None,
        "summary_at": format_instant(after.summary_at) if after.summary_at else None,
    }
    ours = f"exists (select 1 from ops.alert_engine where version = {version + 1} and writer = '{token}')"
    columns = columns_of("alert_engine")
    values = {name: typed({name: columns[name]}).rsplit(" as ", 1)[0] for name in columns}
    statements = [
        f"update ops.alert_engine as e set {', '.join(f'{name} = {value}' for name, value in values.items())} "
        f"from {unnested([engine])} where e.version = {version}"
    ]
    if stale := [{"id": _identity(alert)} for alert in (*changed, *gone)]:
        statements.append(
            f"delete from ops.alerts as a where {ours} and concat(a.alert_key, ':', "
            f"cast(unix_micros(a.opened_at) as string)) in (select json_value(r, '$.id') from {unnested(stale)})"
        )
    statements += [
        insert("alerts", [alert_record(alert) for alert in changed], ours),
        insert("alert_events", [plain(vars(event)) for event in events], ours),
        insert("notifications", entry_rows(entries, version + 1), ours),
        insert("acknowledgements", [plain(vars(acknowledgement))] if acknowledgement else [], ours),
    ]
    script = "begin transaction;\n" + ";\n".join(filter(None, statements)) + ";\ncommit transaction;"
    try:
        client.query(script).result()
    except GoogleAPICallError as error:
        if any(word in str(error).lower() for word in _CONFLICT):
            raise ConcurrentChange(str(error).splitlines()[0]) from None
        raise
    # Where another process has gone on from ours already, we can't tell; deciding anew then finds nothing left to do.
    (row,) = _query(client, "select version, writer from ops.alert_engine order by version desc limit 1")
    if (row["version"], row["writer"]) != (version + 1, token):
        raise ConcurrentChange(f"version {version + 1} was written by another process")


def insert(table: str, rows: Sequence[Mapping[str, Any]], condition: str = "true") -> str | None:
    """INSERT of rows (JSON values) into ops.<table> where a condition holds; None for no rows."""
    if not rows:
        return None
    columns = columns_of(table)
    return (
        f"insert into ops.{table} ({', '.join(columns)}) select {typed(columns)} from {unnested(rows)} "
        f"where {condition}"
    )


def columns_of(table: str) -> dict[str, str]:
    """Names and types of an ops table's columns."""
    return {field.name: field.field_type for field in table_schema(table, OPS)}


def latest_alerts(client: bigquery.Client) -> list[Alert]:
    """Alerts that aren't resolved, oldest first."""
    return [alert_of(row) for row in _query(client, "select * from ops.alerts where state != 'resolved' order by 6, 2")]


def all_alerts(client: bigquery.Client) -> list[Alert]:
    """Every alert there ever was, newest first."""
    return [alert_of(row) for row in _query(client, "select * from ops.alerts order by opened_at desc, rule, labels")]


def events_of(client: bigquery.Client, key: str | None, limit: int) -> list[Event]:
    """The newest happenings, of all alerts or of those whose key begins with `key`; oldest first."""
    rows = _query(
        client,
        "select * from ops.alert_events where @key is null or starts_with(alert_key, @key) "
        "order by happened_at desc, alert_key, event limit @limit",
        bigquery.ScalarQueryParameter("key", "STRING", key),
        bigquery.ScalarQueryParameter("limit", "INT64", limit),
    )
    return [Event(**dict(row)) for row in rows][::-1]


def silences(client: bigquery.Client, now: datetime) -> list[Silence]:
    """Silences that hold at `now` or later."""
    rows = _query(
        client,
        "select * from ops.silences where ends_at > @now order by starts_at, silence_id",
        bigquery.ScalarQueryParameter("now", "TIMESTAMP", now),
    )
    return [
        Silence(**{**dict(row), "matchers": tuple(parse(text) for text in json.loads(row["matchers"]))}) for row in rows
    ]


def add_silence(client: bigquery.Client, silence: Silence) -> None:
    """Writes a silence; again, it changes nothing."""
    record = plain(vars(silence)) | {"matchers": json.dumps([str(matcher) for matcher in silence.matchers])}
    absent = "not exists (select 1 from ops.silences as s where s.silence_id = json_value(r, '$.silence_id'))"
    client.query(insert("silences", [record], absent)).result()


def end_silence(client: bigquery.Client, silence_id: str, now: datetime) -> bool:
    """Ends a silence at `now`; whether there was one."""
    job = client.query(
        "update ops.silences set ends_at = @now where silence_id = @id and ends_at > @now",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("now", "TIMESTAMP", now),
                bigquery.ScalarQueryParameter("id", "STRING", silence_id),
            ]
        ),
    )
    job.result()
    return bool(job.num_dml_affected_rows)


def alert_of(row: Mapping[str, Any]) -> Alert:
    """A row of ops.alerts as a value."""
    values = dict(row)
    held = {
        "labels": json.loads(values["labels"]),
        "figures": json.loads(values["figures"]),
        "changes": tuple(parse_instant(text) for text in json.loads(values.get("changes") or "[]")),
        "told_to": tuple(json.loads(values.get("told_to") or "[]")),
        "flapping": bool(values.get("flapping")),
        "settled": bool(values.get("settled")),
        "escalation": values.get("escalation") or 0,
    }
    return Alert(**{**values, **held})


def alert_record(alert: Alert) -> dict[str, Any]:
    """An alert as a row of JSON values."""
    return {
        **plain(vars(alert)),
        "labels": json.dumps(dict(alert.labels), ensure_ascii=False, sort_keys=True),
        "figures": json.dumps(dict(alert.figures), ensure_ascii=False),
        "changes": json.dumps([format_instant(at) for at in alert.changes]),
        "told_to": json.dumps(list(alert.told_to)),
    }


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON takes them: times as text."""
    return {name: format_instant(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _identity(alert: Alert) -> str:
    return f"{alert.alert_key}:{_micros(alert.opened_at)}"


def _micros(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, tz=instant.tzinfo)) // timedelta(microseconds=1)


def _query(client: bigquery.Client, sql: str, *parameters: Any) -> Iterable[Mapping[str, Any]]:
    return client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters))).result()
