"""Turns check results into alerts, queues what is news and delivers the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud import bigquery
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from alerting import store
from alerting.alerts import Alert, reported_rows
from alerting.channels import Channel, build_channels
from alerting.delivery import Delivery
from alerting.delivery import deliver as deliver_outbox
from alerting.engine import HOUR, EngineState, Notification, acknowledge, step
from alerting.message import Links, message_of
from alerting.outbox import Entry
from alerting.pace import Pace
from alerting.policy import Policy, policy_of, values_of
from expectations.results import CheckResult
from expectations.rules import load_rules
from warehouse import secrets
from warehouse.config import Config
from warehouse.window import Window

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class AlertSummary:
    """What became of the alerts in one run: newly raised, resolved, all that are open afterwards, and the delivery."""

    raised: tuple[Alert, ...]
    resolved: tuple[Alert, ...]
    open: tuple[Alert, ...]
    notifications: Delivery


def process(
    results: Sequence[CheckResult],
    window: Window,
    config: Config,
    client: bigquery.Client,
    run_id: str,
    clock: Clock,
    channels: Mapping[str, Channel] | None = None,
    policy: Policy | None = None,
) -> AlertSummary:
    """Raises and resolves alerts after the results of a run over `window`, then delivers everything in the outbox.

    Safe to repeat and to interrupt at any point. `channels` and `policy` default to the configured ones. Raises
    ValueError when a result belongs to another run or window.
    """
    if strange := [result.rule for result in results if (result.run_id, result.window) != (run_id, window)]:
        raise ValueError(f"results of another run or window: {', '.join(strange)}")
    return _process(results, config, client, run_id, clock, channels, policy)


def tick(
    config: Config,
    client: bigquery.Client,
    clock: Clock,
    channels: Mapping[str, Channel] | None = None,
    policy: Policy | None = None,
) -> AlertSummary:
    """What time alone brings: escalations, the digest, what was held back; then the outbox."""
    return _process((), config, client, "tick", clock, channels, policy)


def deliver(
    client: bigquery.Client, config: Config, clock: Clock, channels: Mapping[str, Channel] | None = None
) -> Delivery:
    """Sends what is due in the outbox to the configured channels (or `channels`), at each one's rate."""
    chosen = build_channels(config, secrets.lookup) if channels is None else channels
    return deliver_outbox(client, chosen, clock, config.alerting.outbox, paces_of(config))


def take_over(
    config: Config, client: bigquery.Client, key: str, by: str, note: str, clock: Clock, policy: Policy | None = None
) -> Alert:
    """The alert with this key (or its beginning) as acknowledged; its notification is queued.

    Raises engine.NothingToAcknowledge.
    """
    chosen = policy or policy_of(config, load_rules())
    for attempt in _attempts():
        with attempt:
            now = clock()
            held = store.load(client, now, (), _memory(chosen))
            taken = acknowledge(held.state, key, by, now)
            (alert,) = [alert for alert in taken.alerts.values() if alert != held.state.alerts[alert.alert_key]]
            told = store.Acknowledgement(alert.alert_key, alert.opened_at, now, by, note)
            after, notifications = step(taken, (), now, chosen)
            entries = entries_of(notifications, config, chosen)
            store.save(client, held, after, notifications, entries, now, "ack", told)
    return alert


def _process(
    results: Sequence[CheckResult],
    config: Config,
    client: bigquery.Client,
    run_id: str,
    clock: Clock,
    channels: Mapping[str, Channel] | None,
    policy: Policy | None,
) -> AlertSummary:
    chosen = policy or policy_of(config, load_rules())
    before, after = _settle(results, config, client, run_id, clock, chosen)
    delivery = deliver(client, config, clock, channels)
    return AlertSummary(
        raised=tuple(_became(before, after, "firing")),
        resolved=tuple(_became(before, after, "resolved")),
        open=tuple(alert for alert in after.alerts.values() if alert.is_open),
        notifications=delivery,
    )


def _settle(
    results: Sequence[CheckResult], config: Config, client: bigquery.Client, run_id: str, clock: Clock, policy: Policy
) -> tuple[EngineState, EngineState]:
    """Read, decide, write; again from the reading when another process came in between. The states before and after."""
    keys = [key for result in results for key in reported_rows(result)]
    for attempt in _attempts():
        with attempt:
            now = clock()
            held = store.load(client, now, keys, _memory(policy))
            after, notifications = step(held.state, results, now, policy)
            store.save(client, held, after, notifications, entries_of(notifications, config, policy), now, run_id)
    return held.state, after


def entries_of(notifications: Sequence[Notification], config: Config, policy: Policy) -> dict[str, list[Entry]]:
    """Outbox entries by notification id, one a channel."""
    links = Links(config.project, config.alerting.runbook_url, config.alerting.rows_url)
    return {
        notification.notification_id: [
            Entry(
                message=message_of(notification, links, policy.marts),
                channel=channel,
                alert_key=notification.lead.alert_key,
                queued_at=notification.at,
                chain=tuple(dict.fromkeys((*notification.channels, *policy.chain(values_of(notification.lead))))),
            )
            for channel in notification.channels
        ]
        for notification in notifications
    }


def paces_of(config: Config) -> dict[str, Pace]:
    """Each configured channel's rate."""
    return {entry.name: Pace(entry.requests, entry.per_seconds) for entry in config.channels if entry.requests}


def _became(before: EngineState, after: EngineState, state: str) -> list[Alert]:
    def was(alert: Alert) -> bool:
        old = before.alerts.get(alert.alert_key)
        return old is not None and old.opened_at == alert.opened_at and old.state in (state, "acknowledged")

    if state == "firing":
        return [alert for alert in after.alerts.values() if alert.state == "firing" and not was(alert)]
    return [
        alert
        for alert in after.alerts.values()
        if alert.state == state and (old := before.alerts.get(alert.alert_key)) is not None and old.is_open
    ]


def _memory(policy: Policy) -> timedelta:
    """How far back resolved alerts still matter."""
    longest = max([policy.cooldown, policy.damping.within, *policy.group_interval.values(), HOUR])
    return longest + HOUR


def _attempts() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(store.ConcurrentChange),
        stop=stop_after_attempt(10),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
