"""Alerts and the outbox in the warehouse: ops.alerts and ops.notifications.

An alert's change and the notifications of it are written in one transaction; what is queued is delivered afterwards
and marked. A crash in between leaves it queued, and the next delivery sends it: at least once, each time with the same
notification_id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from alerting.alerts import Alert, Change
from alerting.message import notification_id, payload
from expectations.table import columns_of, typed, unnested
from warehouse.window import format_instant

_UPDATED = ("severity", "state", "resolved_at", "last_seen_at", "window_start", "window_end", "summary", "figures")
CHANGES_A_STATEMENT = 50  # BigQuery takes statements of up to 1 MB
_CONFLICT = ("concurrent update", "aborted", "conflict")


class ConcurrentChange(RuntimeError):
    """Another process changed the alerts meanwhile; read them again and decide anew."""


@dataclass(frozen=True)
class Queued:
    """A notification in the outbox that hasn't been taken by its channel yet."""

    notification_id: str
    channel: str
    kind: str
    attempts: int
    payload: Mapping[str, Any]


def latest_alerts(client: bigquery.Client, keys: Iterable[str] = ()) -> list[Alert]:
    """The newest row of each alert that is firing or whose key is among `keys`."""
    parameter = bigquery.ArrayQueryParameter("keys", "STRING", sorted(set(keys)))
    rows = client.query(
        "select * from ops.alerts where state = 'firing' or alert_key in unnest(@keys) order by opened_at",
        job_config=bigquery.QueryJobConfig(query_parameters=[parameter]),
    ).result()
    return list({alert.alert_key: alert for alert in map(alert_of, rows)}.values())


def all_alerts(client: bigquery.Client) -> list[Alert]:
    """Every alert there ever was, newest first."""
    return [
        alert_of(row) for row in client.query("select * from ops.alerts order by opened_at desc, rule, labels").result()
    ]


def write_changes(
    client: bigquery.Client, changes: Sequence[Change], routes: Mapping[str, Sequence[str]], queued_at: datetime
) -> None:
    """Writes each alert together with a notification of its news to each channel of `routes[severity]`.

    Writing the same changes again changes nothing. Raises ConcurrentChange when another transaction was first.
    """
    for start in range(0, len(changes), CHANGES_A_STATEMENT):
        script = _script(client, changes[start : start + CHANGES_A_STATEMENT], routes, queued_at)
        try:
            client.query(script).result()
        except GoogleAPICallError as error:
            if any(word in str(error).lower() for word in _CONFLICT):
                raise ConcurrentChange(str(error).splitlines()[0]) from None
            raise


def _script(
    client: bigquery.Client, changes: Sequence[Change], routes: Mapping[str, Sequence[str]], queued_at: datetime
) -> str:
    alerts = [_alert_record(change.alert) for change in changes]
    columns = columns_of(client, "ops.alerts")
    news = [
        _notification(change, name, queued_at)
        for change in changes
        if change.news
        for name in routes[change.alert.severity]
    ]
    identity = "a.alert_key = json_value(r, '$.alert_key') and a.opened_at = timestamp(json_value(r, '$.opened_at'))"
    values = {name: typed({name: columns[name]}).rsplit(" as ", 1)[0] for name in _UPDATED}
    return f"""
        begin transaction;
        update ops.alerts as a set {", ".join(f"{name} = {value}" for name, value in values.items())}
        from {unnested(alerts)} where {identity} and a.state = 'firing';
        insert into ops.alerts ({", ".join(columns)})
        select {typed(columns)} from {unnested(alerts)}
        where json_value(r, '$.state') = 'firing' and not exists (
            select 1 from ops.alerts as a where a.alert_key = json_value(r, '$.alert_key')
            and (a.state = 'firing' or a.opened_at >= timestamp(json_value(r, '$.opened_at')))
        );
        {_queue(client, news) if news else ""}
        commit transaction;
    """


def outbox(client: bigquery.Client) -> list[Queued]:
    """What is still to be delivered, oldest first; a firing notification before the resolved one of the same alert."""
    rows = client.query(
        "select notification_id, channel, kind, attempts, payload from ops.notifications "
        "where state in ('queued', 'failed') order by queued_at, kind, notification_id, channel"
    ).result()
    return [
        Queued(r["notification_id"], r["channel"], r["kind"], r["attempts"] or 0, json.loads(r["payload"]))
        for r in rows
    ]


def mark(client: bigquery.Client, queued: Queued, sent_at: datetime | None, error: str | None) -> None:
    """Records a delivery attempt: sent at `sent_at`, or failed with one line that says why (tried again later)."""
    parameters = [
        bigquery.ScalarQueryParameter("state", "STRING", "sent" if sent_at else "failed"),
        bigquery.ScalarQueryParameter("sent_at", "TIMESTAMP", sent_at),
        bigquery.ScalarQueryParameter("attempts", "INT64", queued.attempts + 1),
        bigquery.ScalarQueryParameter("error", "STRING", error),
        bigquery.ScalarQueryParameter("id", "STRING", queued.notification_id),
        bigquery.ScalarQueryParameter("channel", "STRING", queued.channel),
    ]
    client.query(
        "update ops.notifications set state = @state, sent_at = @sent_at, attempts = @attempts, error = @error "
        "where notification_id = @id and channel = @channel and state != 'sent'",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()


def alert_of(row: Mapping[str, Any]) -> Alert:
    """A row of ops.alerts as a value."""
    values = dict(row)
    return Alert(**{**values, "labels": json.loads(values["labels"]), "figures": json.loads(values["figures"])})


def _alert_record(alert: Alert) -> dict[str, Any]:
    record = {
        name: format_instant(value) if isinstance(value, datetime) else value for name, value in vars(alert).items()
    }
    return {
        **record,
        "labels": json.dumps(dict(alert.labels), ensure_ascii=False, sort_keys=True),
        "figures": json.dumps(dict(alert.figures), ensure_ascii=False),
    }


def _notification(change: Change, channel: str, queued_at: datetime) -> dict[str, Any]:
    return {
        "notification_id": notification_id(change.alert, change.news),
        "alert_key": change.alert.alert_key,
        "opened_at": format_instant(change.alert.opened_at),
        "channel": channel,
        "kind": change.news,
        "state": "queued",
        "queued_at": format_instant(queued_at),
        "sent_at": None,
        "attempts": 0,
        "error": None,
        "payload": json.dumps(payload(change.alert, change.news), ensure_ascii=False),
    }


def _queue(client: bigquery.Client, news: Sequence[Mapping[str, Any]]) -> str:
    """INSERT of notifications that aren't queued yet and whose alert is in the state they tell of."""
    columns = columns_of(client, "ops.notifications")
    return f"""
        insert into ops.notifications ({", ".join(columns)})
        select {typed(columns)} from {unnested(news)}
        where exists (
            select 1 from ops.alerts as a where a.alert_key = json_value(r, '$.alert_key')
            and a.opened_at = timestamp(json_value(r, '$.opened_at')) and a.state = json_value(r, '$.kind')
        ) and not exists (
            select 1 from ops.notifications as n where n.notification_id = json_value(r, '$.notification_id')
            and n.channel = json_value(r, '$.channel')
        );
    """
