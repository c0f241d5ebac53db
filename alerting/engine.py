"""The alert engine as a pure function: step(state, results, now, policy) -> (new state, notifications).

What is told follows from the state alone: each alert carries what people were told of it, and whatever differs from how
it stands is news. So nothing is lost to a silence, an inhibition, a limit or a crash; it is told as soon as it may be.

The order of a step: results change alerts; what has been quiet for long enough is resolved; news are collected, without
what is muted, cooling down or waiting; news of one kind and group become one notification; the global limit is applied;
the digest is due or not. A resolution of what was told is told in spite of silences: its channel's incident must close.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from alerting.alerts import Alert, after_quiet, transition
from alerting.matchers import fit
from alerting.policy import Policy, values_of
from alerting.silences import Silence
from expectations.results import CheckResult
from warehouse.config_alerting import SEVERITIES
from warehouse.window import format_instant

HOUR = timedelta(hours=1)
RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class NothingToAcknowledge(ValueError):
    """No alert that fires fits."""


@dataclass(frozen=True)
class Notification:
    """What is told to `channels`. All notifications of one thread share `dedup_key`.

    `kind`: firing, raised (severity), acknowledged, resolved, escalated<n>, digest or summary. `still_open` and
    `unacknowledged` count the thread's alerts after it. The id is the same for each attempt and channel.
    """

    notification_id: str
    kind: str
    dedup_key: str
    severity: str
    alerts: tuple[Alert, ...]
    channels: tuple[str, ...]
    at: datetime
    still_open: int = 0
    unacknowledged: int = 0

    @property
    def lead(self) -> Alert:
        """The alert that stands for all."""
        return self.alerts[0]


@dataclass(frozen=True)
class EngineState:
    """Newest alert of each key, silences, times of the notifications of the last hour, of digest and summary."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    recent: tuple[datetime, ...] = ()
    digest_at: datetime | None = None
    summary_at: datetime | None = None


@dataclass(frozen=True)
class _News:
    kind: str
    alert: Alert
    channels: tuple[str, ...]


def step(
    state: EngineState, results: Sequence[CheckResult], now: datetime, policy: Policy
) -> tuple[EngineState, list[Notification]]:
    """What becomes of the alerts, and what is to be told, when `results` (maybe none) are known at `now`."""
    alerts = dict(state.alerts)
    for change in transition(alerts.values(), results, policy.damping):
        alerts[change.alert.alert_key] = change.alert
    for key, alert in alerts.items():
        if alert.is_open and alert.flapping:
            alerts[key] = after_quiet(alert, now, policy.damping).alert
    alerts = {key: alert for key, alert in alerts.items() if alert.state != "cleared"}
    recent = tuple(at for at in state.recent if now - at < HOUR)
    state = replace(state, alerts=alerts, recent=recent)
    state, told = _tell_news(state, now, policy)
    state, digests = _tell_digest(state, now, policy)
    settled = {key: replace(alert, settled=_is_settled(alert, policy)) for key, alert in state.alerts.items()}
    return replace(state, alerts=settled), told + digests


def acknowledge(state: EngineState, key: str, by: str, now: datetime) -> EngineState:
    """The state after a person took an alert over; `key` is an alert key or its beginning.

    Raises NothingToAcknowledge when no alert or more than one fits.
    """
    found = [alert for alert in state.alerts.values() if alert.alert_key.startswith(key) and alert.is_open]
    if len(found) != 1:
        raise NothingToAcknowledge(f"{len(found) or 'no'} open alert{'s' if len(found) > 1 else ''} with key {key}")
    (alert,) = found
    if alert.state == "acknowledged":
        raise NothingToAcknowledge(f"alert {alert.alert_key[:12]} was acknowledged by {alert.acknowledged_by}")
    taken = replace(alert, state="acknowledged", acknowledged_at=now, acknowledged_by=by)
    return replace(state, alerts={**state.alerts, alert.alert_key: taken})


def muted(state: EngineState, now: datetime, policy: Policy) -> dict[str, str]:
    """Why an alert isn't told, by alert key: the silence, or the alert that inhibits it."""
    open_alerts = [alert for alert in state.alerts.values() if alert.is_open]
    values = {alert.alert_key: values_of(alert) for alert in open_alerts}
    silences = [silence for silence in state.silences if silence.starts_at <= now < silence.ends_at]
    why: dict[str, str] = {}
    for inhibition in policy.inhibitions:
        sources = [alert for alert in open_alerts if fit(inhibition.source, values[alert.alert_key])]
        if not sources:
            continue
        for target in open_alerts:
            own = values[target.alert_key]
            if not fit(inhibition.target, own):
                continue
            for source in sources:
                other = values[source.alert_key]
                # As in Alertmanager: what fits both sides isn't inhibited by what fits both sides, itself above all.
                both = fit(inhibition.source, own) and fit(inhibition.target, other)
                if not both and all(own.get(name, "") == other.get(name, "") for name in inhibition.equal):
                    why.setdefault(target.alert_key, f"inhibited by {source.rule} {source.alert_key[:12]}")
    for silence in silences:
        for alert in open_alerts:
            if fit(silence.matchers, values[alert.alert_key]):
                why.setdefault(alert.alert_key, f"silence {silence.silence_id}")
    return why


def _tell_news(state: EngineState, now: datetime, policy: Policy) -> tuple[EngineState, list[Notification]]:
    mute = muted(state, now, policy)
    news = [item for alert in state.alerts.values() for item in _news(alert, now, policy, alert.alert_key in mute)]
    batches = _batches(_in_time(news, state, now, policy), policy)
    told: list[Notification] = []
    withheld: list[_News] = []
    for batch in batches:
        if len(state.recent) < policy.limit:
            state, notification = _tell(state, batch, now, policy)
            told += notification
        else:
            withheld += batch
    state, summary = _tell_summary(state, withheld, now, policy)
    return state, told + summary


def _news(alert: Alert, now: datetime, policy: Policy, is_muted: bool) -> list[_News]:
    """What people should hear of the alert now, apart from the digest."""
    apart = alert.severity in policy.record_only or (alert.severity in policy.digest and alert.thread is None)
    if apart or alert.state == "pending":
        return []
    if alert.state == "resolved":
        return [_News("resolved", alert, alert.told_to)] if alert.told in ("firing", "acknowledged") else []
    if is_muted:
        return []
    channels = policy.channels_for(alert)
    if alert.thread is None:
        if alert.state == "acknowledged":  # somebody has taken it over before it was told
            return []
        cooling = alert.last_told_at is not None and now - alert.last_told_at < policy.cooldown
        return [] if cooling else [_News("firing", alert, channels)]
    if RANK[alert.severity] < RANK[alert.told_severity or alert.severity]:
        return [_News("raised", alert, tuple(dict.fromkeys((*channels, *alert.told_to))))]
    if alert.state == "acknowledged":
        return [_News("acknowledged", alert, alert.told_to)] if alert.told == "firing" else []
    if alert.severity not in policy.escalate or alert.told_at is None:
        return []
    due = [
        number
        for number, planned in enumerate(policy.escalation, start=1)
        if number > alert.escalation and now - alert.told_at >= planned.after
    ]
    return [_News(f"escalated{number}", alert, policy.escalation[number - 1].channels) for number in due]


def _in_time(news: Iterable[_News], state: EngineState, now: datetime, policy: Policy) -> list[_News]:
    """Without new alerts whose group was just told of (group_interval) or is still gathering (group_wait)."""
    last: dict[tuple[str, ...], datetime] = {}
    for alert in state.alerts.values():
        if alert.told_at is not None:
            group = policy.group_of(alert)
            last[group] = max(last.get(group, alert.told_at), alert.told_at)
    kept = []
    fresh: defaultdict[tuple[str, ...], list[_News]] = defaultdict(list)
    for item in news:
        if item.kind == "firing":
            fresh[policy.group_of(item.alert)].append(item)
        else:
            kept.append(item)
    for group, items in fresh.items():
        severity = group[0]
        interval = policy.group_interval.get(severity, timedelta(0))
        if group in last and now - last[group] < interval:
            continue
        first = min(item.alert.fired_at or item.alert.opened_at for item in items)
        if now - first >= policy.group_wait.get(severity, timedelta(0)):
            kept += items
    return kept


def _batches(news: Iterable[_News], policy: Policy) -> list[list[_News]]:
    """News that become one notification each: same kind, group and channels. The worst first."""
    groups: defaultdict[tuple, list[_News]] = defaultdict(list)
    for item in news:
        # What is told of an alert that was told must stay in its thread.
        thread = None if item.kind == "firing" else item.alert.thread
        groups[item.kind, policy.group_of(item.alert), item.channels, thread].append(item)
    batches = []
    for members in groups.values():
        members.sort(key=lambda item: (item.alert.rule, sorted(item.alert.labels.items())))
        batches += [members[start : start + policy.batch] for start in range(0, len(members), policy.batch)]
    return sorted(batches, key=lambda batch: (RANK[batch[0].alert.severity], *_order(batch[0])))


def _order(item: _News) -> tuple:
    return item.alert.rule, sorted(item.alert.labels.items()), item.alert.opened_at, item.kind


def _tell(
    state: EngineState, batch: Sequence[_News], now: datetime, policy: Policy
) -> tuple[EngineState, list[Notification]]:
    """The state in which the batch was told, and its notification; none where nobody wants to hear of it."""
    kind, channels = batch[0].kind, batch[0].channels
    lead = batch[0].alert
    thread = lead.thread or _thread(state, lead, policy)
    told = [_after(item, thread, now) for item in batch]
    state = replace(state, alerts={**state.alerts, **{alert.alert_key: alert for alert in told}})
    if not channels:
        return state, []
    return replace(state, recent=(*state.recent, now)), [_notification(state, kind, thread, told, channels, now)]


def _thread(state: EngineState, lead: Alert, policy: Policy) -> str:
    """The thread that is open in the alert's group, or a new one."""
    group = policy.group_of(lead)
    open_ones = [
        other
        for other in state.alerts.values()
        if other.thread and other.is_open and policy.group_of(other) == group
        if not other.thread.startswith("summary:")
    ]
    if open_ones:
        return min(open_ones, key=lambda other: (other.opened_at, other.alert_key)).thread
    return f"{lead.alert_key}:{format_instant(lead.opened_at)}"


def _after(item: _News, thread: str, now: datetime) -> Alert:
    """The alert after this was told."""
    alert = item.alert
    told_to = tuple(dict.fromkeys((*alert.told_to, *item.channels)))
    if item.kind in ("firing", "raised"):
        return replace(
            alert, told=alert.state, told_at=now, last_told_at=now, told_severity=alert.severity, told_to=told_to,
            thread=thread,
        )  # fmt: skip
    if item.kind.startswith("escalated"):
        return replace(alert, escalation=max(alert.escalation, int(item.kind[len("escalated") :])), told_to=told_to)
    return replace(alert, told=item.kind)


def _notification(
    state: EngineState, kind: str, thread: str, alerts: Sequence[Alert], channels: tuple[str, ...], now: datetime
) -> Notification:
    members = [alert for alert in state.alerts.values() if alert.thread == thread and alert.is_open]
    lead = alerts[0]
    occasion = {"raised": lead.severity, "summary": f"{now:%Y%m%dT%H%M%S}", "digest": f"{now:%Y%m%dT%H%M%S}"}.get(kind)
    name = f"{kind}-{occasion}" if occasion else kind
    return Notification(
        notification_id=f"{lead.alert_key}:{name}:{format_instant(lead.opened_at)}",
        kind=kind,
        dedup_key=thread,
        severity=min((alert.severity for alert in alerts), key=RANK.__getitem__),
        alerts=tuple(alerts),
        channels=channels,
        at=now,
        still_open=len(members),
        unacknowledged=sum(alert.state == "firing" for alert in members),
    )


def _tell_summary(
    state: EngineState, withheld: Sequence[_News], now: datetime, policy: Policy
) -> tuple[EngineState, list[Notification]]:
    """One notification an hour of all new alerts that the limit withholds; the rest waits for room."""
    fresh = [item for item in withheld if item.kind in ("firing", "raised")][: 4 * policy.batch]
    if not fresh or (state.summary_at is not None and now - state.summary_at < HOUR):
        return state, []
    thread = f"summary:{format_instant(now)}"
    channels = tuple(dict.fromkeys(name for item in fresh for name in item.channels))
    told = [replace(_after(item, thread, now), told_to=channels) for item in fresh]
    alerts = {**state.alerts, **{alert.alert_key: alert for alert in told}}
    state = replace(state, alerts=alerts, summary_at=now)
    return state, [_notification(state, "summary", thread, told, channels, now)] if channels else []


def _tell_digest(state: EngineState, now: datetime, policy: Policy) -> tuple[EngineState, list[Notification]]:
    """Once a day, what the digest's severities raised and resolved since the last one."""
    if state.digest_at is None:
        return replace(state, digest_at=now), []
    planned = datetime.combine(now.date(), time(policy.digest_hour), tzinfo=now.tzinfo)
    due = planned if planned <= now else planned - timedelta(days=1)
    if state.digest_at >= due:
        return state, []
    mute = muted(state, now, policy)
    told: list[Notification] = []
    news: defaultdict[tuple[str, ...], list[_News]] = defaultdict(list)
    for alert in sorted(state.alerts.values(), key=lambda a: (RANK[a.severity], a.rule, sorted(a.labels.items()))):
        if alert.severity not in policy.digest or alert.thread is not None or alert.alert_key in mute:
            continue
        stands = "resolved" if alert.state == "resolved" else "firing"
        if alert.state != "pending" and alert.told != stands:
            channels = alert.told_to if alert.told else policy.channels_for(alert)
            news[channels].append(_News(stands, alert, channels))
    for channels, items in news.items():
        for start in range(0, len(items), policy.batch):
            after = [
                replace(item.alert, told=item.kind, told_at=now, told_to=channels)
                for item in items[start : start + policy.batch]
            ]
            state = replace(state, alerts={**state.alerts, **{alert.alert_key: alert for alert in after}})
            if channels:
                thread = f"digest:{format_instant(now)}:{len(told)}"
                told.append(_notification(state, "digest", thread, after, channels, now))
                state = replace(state, recent=(*state.recent, now))
    return replace(state, digest_at=now), told


def _is_settled(alert: Alert, policy: Policy) -> bool:
    """Over, and nothing more to tell."""
    if alert.state != "resolved":
        return False
    if alert.severity in policy.digest and alert.thread is None:
        return alert.told == "resolved"
    return alert.told in (None, "resolved") or alert.severity in policy.record_only
