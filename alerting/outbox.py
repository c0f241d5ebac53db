"""The outbox (ops.notifications): one entry a notification and channel.

queued -> sending (leased to one process) -> sent, or failed (tried again after a pause) -> abandoned. Entries of one
thread at one channel are sent in their order: a resolution never overtakes what it resolves.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from google.cloud import bigquery

from alerting.message import Message, loads
from expectations.table import typed, unnested
from ingestion.tables import OPS, table_schema
from warehouse.config_alerting import Outbox
from warehouse.window import format_instant

WAITING = ("queued", "sending", "failed")
POSITIONS = 1_000_000


@dataclass(frozen=True)
class Entry:
    """A row of ops.notifications. `chain`: channels of its route, each standing in for those before it."""

    message: Message
    channel: str
    alert_key: str
    queued_at: datetime
    chain: tuple[str, ...]
    state: str = "queued"
    position: int = 0
    attempts: int = 0
    instead_of: str | None = None
    next_attempt_at: datetime | None = None
    lease_until: datetime | None = None
    error: str | None = None
    sent_at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """Key of the row."""
        return self.message.notification_id, self.channel


def due(entries: Iterable[Entry], now: datetime, tried: Container[tuple[str, str]] = ()) -> list[Entry]:
    """Entries that may be sent at `now`, in order: their pause and any other's lease are over, and nothing of the same
    thread waits before them at the channel. Those whose identity is in `tried` have had their turn."""
    ready, blocked = [], set()
    for entry in sorted(entries, key=_order):
        thread = (entry.channel, entry.message.dedup_key)
        rests = entry.next_attempt_at is not None and entry.next_attempt_at > now
        leased = entry.state == "sending" and entry.lease_until is not None and entry.lease_until > now
        if rests or leased or entry.identity in tried:
            blocked.add(thread)
        elif thread not in blocked:
            ready.append(entry)
    return ready


def after_failure(entry: Entry, error: str, retry_after: float | None, now: datetime, rules: Outbox) -> Entry:
    """The entry after an attempt that failed: tried again after a growing pause, or given up."""
    attempts = entry.attempts + 1
    pause = min(rules.retry_seconds * 2 ** min(attempts - 1, 30), rules.retry_limit_seconds)
    return replace(
        entry,
        state="abandoned" if attempts >= rules.attempts else "failed",
        attempts=attempts,
        error=error,
        next_attempt_at=now + timedelta(seconds=max(pause, retry_after or 0)),
        lease_until=None,
    )


def stand_in(entry: Entry, lasting: bool, now: datetime, rules: Outbox) -> Entry | None:
    """The entry for the next channel of the route, when this one (after a failure) has failed often enough or for good.

    It says which channel it stands in for; a second one for the same entry has the same id, and so isn't written. After
    the route's last channel comes the first. None where no other is left.
    """
    if not lasting and entry.attempts != min(rules.fail_over_after, rules.attempts):
        return None
    place = entry.chain.index(entry.channel) if entry.channel in entry.chain else -1
    rest = entry.chain[place + 1 :] + entry.chain[: max(place, 0)]
    if not rest:
        return None
    key, kind, opened = [*entry.message.notification_id.split(":", 2), "", ""][:3]
    message = replace(
        entry.message.with_note(f"Channel {entry.channel} didn't take this notification; it is told here instead"),
        notification_id=f"{key}:{kind}~{entry.channel}:{opened}",
    )
    return Entry(
        message=message, channel=rest[0], alert_key=entry.alert_key, queued_at=now, chain=rest,
        position=entry.position, instead_of=entry.channel,
    )  # fmt: skip


def waiting(client: bigquery.Client) -> list[Entry]:
    """Entries that are still to be sent."""
    rows = client.query(
        "select * from ops.notifications where state in ('queued', 'sending', 'failed') and payload is not null"
    ).result()
    return [_entry(row) for row in rows]


def lease(client: bigquery.Client, entries: Sequence[Entry], token: str, now: datetime, rules: Outbox) -> list[Entry]:
    """Those of the entries that are ours now, until the lease ends; another process may have been faster."""
    if not entries:
        return []
    until = now + timedelta(seconds=rules.lease_seconds)
    keys = unnested([_key(entry) for entry in entries])
    client.query(
        f"update ops.notifications as n set state = 'sending', lease_by = '{token}', "
        f"lease_until = timestamp '{format_instant(until)}' "
        f"where concat(n.notification_id, '|', n.channel) in ("
        f"select concat(json_value(r, '$.id'), '|', json_value(r, '$.channel')) from {keys}) "
        f"and (n.state in ('queued', 'failed') or (n.state = 'sending' and "
        f"coalesce(n.lease_until, timestamp '1970-01-01') <= timestamp '{format_instant(now)}'))"
    ).result()
    rows = client.query(
        "select notification_id, channel from ops.notifications where state = 'sending' and lease_by = @token",
        job_config=bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("token", "STRING", token)]),
    ).result()
    ours = {(row["notification_id"], row["channel"]) for row in rows}
    return [replace(entry, state="sending", lease_until=until) for entry in entries if entry.identity in ours]


def settle(client: bigquery.Client, entry: Entry, token: str, other: Entry | None = None) -> None:
    """Writes what became of an attempt, and the entry that stands in for it, in one transaction.

    An entry whose lease another process has taken meanwhile is left to that one, unless it was sent.
    """
    columns = ("state", "attempts", "error", "next_attempt_at", "sent_at")
    kinds = columns_of()
    values = {name: typed({name: kinds[name]}).rsplit(" as ", 1)[0] for name in columns}
    ours = "true" if entry.state == "sent" else f"n.lease_by = '{token}'"
    (record,) = entry_rows([entry], 0)
    statements = [
        f"update ops.notifications as n set {', '.join(f'{name} = {value}' for name, value in values.items())}, "
        f"lease_by = null, lease_until = null from {unnested([record])} "
        f"where n.notification_id = json_value(r, '$.notification_id') and n.channel = json_value(r, '$.channel') "
        f"and n.state != 'sent' and {ours}"
    ]
    if other is not None:
        (record,) = entry_rows([other], 0)
        statements.append(
            f"insert into ops.notifications ({', '.join(kinds)}) select {typed(kinds)} from {unnested([record])} "
            "where not exists (select 1 from ops.notifications as n where n.channel = json_value(r, '$.channel') "
            "and n.notification_id = json_value(r, '$.notification_id')) "
            f"and exists (select 1 from ops.notifications as n, {unnested([_key(entry)], 'k')} "
            "where n.notification_id = json_value(k, '$.id') and n.channel = json_value(k, '$.channel') "
            f"and n.state in ('failed', 'abandoned') and n.attempts = {entry.attempts})"
        )
    client.query("begin transaction;\n" + ";\n".join(statements) + ";\ncommit transaction;").result()


def release(client: bigquery.Client, token: str) -> None:
    """Gives back what this process has leased and not sent."""
    client.query(
        "update ops.notifications set state = if(attempts > 0, 'failed', 'queued'), lease_by = null, "
        "lease_until = null where lease_by = @token and state = 'sending'",
        job_config=bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("token", "STRING", token)]),
    ).result()


def entry_rows(entries: Sequence[Entry], version: int) -> list[dict[str, Any]]:
    """Entries as rows of JSON values; without a position they get one from the version and their order."""
    return [_row(entry, entry.position or version * POSITIONS + number) for number, entry in enumerate(entries)]


def columns_of() -> dict[str, str]:
    """Names and types of the outbox's columns."""
    return {field.name: field.field_type for field in table_schema("notifications", OPS)}


def _row(entry: Entry, position: int) -> dict[str, Any]:
    def text(instant: datetime | None) -> str | None:
        return format_instant(instant) if instant else None

    return {
        "notification_id": entry.message.notification_id,
        "alert_key": entry.alert_key,
        "channel": entry.channel,
        "kind": entry.message.kind,
        "state": entry.state,
        "queued_at": text(entry.queued_at),
        "sent_at": text(entry.sent_at),
        "attempts": entry.attempts,
        "error": entry.error,
        "payload": entry.message.dumps(),
        "dedup_key": entry.message.dedup_key,
        "severity": entry.message.severity,
        "alerts": entry.message.alerts,
        "position": position,
        "chain": json.dumps(list(entry.chain)),
        "instead_of": entry.instead_of,
        "next_attempt_at": text(entry.next_attempt_at),
        "lease_by": None,
        "lease_until": None,
    }


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        message=loads(row["payload"]),
        channel=row["channel"],
        alert_key=row["alert_key"],
        queued_at=row["queued_at"],
        chain=tuple(json.loads(row["chain"] or "[]")),
        state=row["state"],
        position=row["position"] or 0,
        attempts=row["attempts"] or 0,
        instead_of=row["instead_of"],
        next_attempt_at=row["next_attempt_at"],
        lease_until=row["lease_until"],
        error=row["error"],
    )


def _key(entry: Entry) -> dict[str, str]:
    return {"id": entry.message.notification_id, "channel": entry.channel}


def _order(entry: Entry) -> tuple:
    return entry.position, entry.message.notification_id, entry.channel
