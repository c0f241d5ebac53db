"""Turns check results into alerts, queues what is news and delivers the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.cloud import bigquery
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from alerting import store
from alerting.alerts import Alert, Change, reported_rows, transition
from alerting.channels import Channel, DeliveryError, build_channels, routes
from expectations.results import CheckResult
from warehouse import secrets
from warehouse.config import Config
from warehouse.window import Window

Clock = Callable[[], datetime]
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Delivery:
    """Outcome of a delivery: how many notifications were taken, and one line for each that wasn't."""

    sent: int
    errors: tuple[str, ...]


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
) -> AlertSummary:
    """Raises and resolves alerts after the results of a run over `window`, then delivers everything in the outbox.

    Safe to repeat and to interrupt at any point. `channels` defaults to the configured ones. Raises ValueError when a
    result belongs to another run or window.
    """
    if strange := [result.rule for result in results if (result.run_id, result.window) != (run_id, window)]:
        raise ValueError(f"results of another run or window: {', '.join(strange)}")
    chosen = build_channels(config, secrets.lookup) if channels is None else channels
    changes = _settle(results, config, client, clock)
    delivery = deliver(client, chosen, clock)
    return AlertSummary(
        raised=tuple(change.alert for change in changes if change.news == "firing"),
        resolved=tuple(change.alert for change in changes if change.news == "resolved"),
        open=tuple(alert for alert in store.latest_alerts(client) if alert.state == "firing"),
        notifications=delivery,
    )


def _settle(results: Sequence[CheckResult], config: Config, client: bigquery.Client, clock: Clock) -> list[Change]:
    """Read, decide, write; again from the reading when another process came in between."""
    keys = [key for result in results for key in reported_rows(result)]
    wanted = {severity: routes(config, severity) for severity in SEVERITIES}
    attempts = Retrying(
        retry=retry_if_exception_type(store.ConcurrentChange),
        stop=stop_after_attempt(8),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    for attempt in attempts:
        with attempt:
            changes = transition(store.latest_alerts(client, keys), results)
            store.write_changes(client, changes, wanted, clock())
    return changes


def deliver(client: bigquery.Client, channels: Mapping[str, Channel], clock: Clock) -> Delivery:
    """Sends what is in the outbox, oldest first. A channel that fails keeps its own; the others go on."""
    sent, errors = 0, []
    for queued in store.outbox(client):
        try:
            channel = channels.get(queued.channel)
            if channel is None:
                raise DeliveryError(f"channel {queued.channel}: is not in the configuration")
            channel.send(queued.notification_id, queued.payload)
        except DeliveryError as error:
            store.mark(client, queued, None, str(error))
            errors.append(str(error))
        else:
            store.mark(client, queued, clock(), None)
            sent += 1
    return Delivery(sent, tuple(errors))
