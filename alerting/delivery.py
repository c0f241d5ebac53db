"""Sends what is due in the outbox: leased, so that two processes don't both send; each outcome is written at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from google.cloud import bigquery

from alerting import outbox
from alerting.channels import Channel
from alerting.http import DeliveryError
from alerting.outbox import Entry
from alerting.pace import Pace
from warehouse.config_alerting import Outbox

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Delivery:
    """Outcome of a delivery: how many entries were taken, and one line for each that wasn't."""

    sent: int
    errors: tuple[str, ...]


def deliver(
    client: bigquery.Client,
    channels: Mapping[str, Channel],
    clock: Clock,
    rules: Outbox | None = None,
    paces: Mapping[str, Pace] | None = None,
) -> Delivery:
    """Sends what is due, in order. A channel that fails keeps its own; the others go on, and the next one stands in.

    What a crash leaves in `sending` is sent again when its lease ends. `paces` hold each channel's rate.
    """
    rules = rules or Outbox()
    sent, errors = 0, []
    tried: set[tuple[str, str]] = set()
    while True:
        now = clock()
        due = outbox.due(outbox.waiting(client), now, tried)
        token = uuid.uuid4().hex
        ours = outbox.lease(client, due, token, now, rules)
        round_ = _send(client, ours, channels, clock, rules, paces or {}, token)
        sent += len(round_.took)
        errors += round_.errors
        tried |= {*round_.took, *round_.failed}
        if not round_.handed_on and not (round_.left and round_.took):
            return Delivery(sent, tuple(errors))


@dataclass
class _Round:
    """Identities that were taken, failed and were left for want of time or order; how many another channel got."""

    took: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    handed_on: int = 0
    errors: list[str] = field(default_factory=list)


def _send(
    client: bigquery.Client,
    entries: list[Entry],
    channels: Mapping[str, Channel],
    clock: Clock,
    rules: Outbox,
    paces: Mapping[str, Pace],
    token: str,
) -> _Round:
    done = _Round()
    stopped: set[tuple[str, str]] = set()
    for entry in entries:
        thread = (entry.channel, entry.message.dedup_key)
        now = clock()
        if thread in stopped or (entry.lease_until is not None and now >= entry.lease_until):
            done.left.append(entry.identity)
            continue
        try:
            with paces.get(entry.channel) or nullcontext():
                _channel(channels, entry.channel).send(entry.message)
        except DeliveryError as error:
            stopped.add(thread)
            done.failed.append(entry.identity)
            done.errors.append(str(error))
            after = outbox.after_failure(entry, str(error), error.retry_after, now, rules)
            other = outbox.stand_in(after, error.lasting, now, rules)
            done.handed_on += other is not None
            outbox.settle(client, after, token, other)
        else:
            sent = replace(entry, state="sent", attempts=entry.attempts + 1, error=None, sent_at=clock())
            outbox.settle(client, sent, token)
            done.took.append(entry.identity)
    if done.left:
        outbox.release(client, token)
    return done


def _channel(channels: Mapping[str, Channel], name: str) -> Channel:
    if name not in channels:
        raise DeliveryError(f"channel {name}: is not in the configuration", lasting=True)
    return channels[name]
