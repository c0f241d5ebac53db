"""Incidents as a pure function of the alerts: critical ones open them, others join, levels rise, monitoring follows.

No clock is read for what follows from alerts: each happening has the alert's own time, so the same alerts again change
nothing, and a run that was killed is made up for by the next. What people do carries the time that they are given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from alerting.alerts import Alert
from alerting.matchers import Matcher, MatcherError, fit, parse
from alerting.policy import values_of
from ingestion.scrub import scrub_text
from warehouse.config import ConfigError
from warehouse.config_alerting import IncidentLevel, Incidents

Status = Literal["investigating", "identified", "monitoring", "resolved"]
STATUSES: tuple[Status, ...] = get_args(Status)
LEVELS: tuple[IncidentLevel, ...] = get_args(IncidentLevel)
TEXT_LIMIT = 4000
Identity = tuple[str, datetime]


class IncidentError(ValueError):
    """What a person asked for can't be done; the text says why."""


@dataclass(frozen=True)
class Incident:
    """A row of ops.incidents; `alerts` are (alert_key, opened_at) in the order in which they joined."""

    incident_id: str
    level: IncidentLevel
    status: Status
    status_at: datetime
    title: str
    started_at: datetime
    alerts: tuple[Identity, ...]
    identified_at: datetime | None = None
    monitoring_at: datetime | None = None
    resolved_at: datetime | None = None
    impact: str | None = None
    root_cause: str | None = None
    prevention: str | None = None


@dataclass(frozen=True)
class Happening:
    """A row of ops.incident_events."""

    event_id: str
    incident_id: str
    happened_at: datetime
    event: str
    actor: str | None
    detail: str | None


@dataclass(frozen=True)
class Grouping:
    """What opens an incident, what joins one, and how grave it is (see config_alerting.Incidents)."""

    opened_by: frozenset[str]
    joined_by: frozenset[str]
    span: timedelta
    shared_labels: tuple[str, ...]
    levels: tuple[tuple[IncidentLevel, tuple[Matcher, ...], int], ...]


Changed = tuple[list[Incident], list[Happening]]
"""Incidents that changed, and what happened to them."""


def grouping_of(config: Incidents) -> Grouping:
    """The configuration as a value. Raises ConfigError for a matcher that is none."""
    try:
        levels = tuple((rule.level, tuple(map(parse, rule.match)), rule.alerts) for rule in config.levels)
    except MatcherError as error:
        raise ConfigError(f"alerting.incidents.levels: {error}") from None
    return Grouping(
        frozenset(config.opened_by), frozenset(config.joined_by), timedelta(minutes=config.group_minutes),
        tuple(config.shared_labels), levels,
    )  # fmt: skip


def follow(incidents: Sequence[Incident], alerts: Iterable[Alert], grouping: Grouping) -> Changed:
    """What the alerts make of the incidents; `incidents` are all that there are, `alerts` at least those of open ones.

    An alert belongs to one incident. It joins the newest open one that it fits; an alert of the opening severities that
    fits none opens one. Its level is then looked up anew; a level that a person has set since stays until another alert
    joins. Incidents whose alerts are all resolved are monitored.
    """
    fired = sorted(
        (alert for alert in alerts if alert.state != "pending"), key=lambda item: (_fired(item), item.alert_key)
    )
    known = {alert.identity: alert for alert in fired}
    current = {incident.incident_id: incident for incident in incidents}
    taken = {identity for incident in incidents for identity in incident.alerts}
    happened: list[Happening] = []
    grown: set[str] = set()
    for severities, opens in ((grouping.opened_by, True), (grouping.joined_by, False)):
        for alert in fired:
            if alert.identity in taken or alert.severity not in severities:
                continue
            fitting = [
                incident for incident in current.values()
                if incident.status != "resolved" and _fits(alert, incident, known, grouping)
            ]  # fmt: skip
            if fitting:
                incident, told = _joined(max(fitting, key=lambda item: (item.started_at, item.incident_id)), alert)
            elif opens:
                incident, told = _opened(alert)
            else:
                continue
            taken.add(alert.identity)
            grown.add(incident.incident_id)
            current[incident.incident_id] = incident
            happened += told
    for incident in current.values():
        if incident.status != "resolved":
            after, told = _settled(incident, known, grouping, incident.incident_id in grown)
            current[incident.incident_id] = after
            happened += told
    before = {incident.incident_id: incident for incident in incidents}
    return [item for key, item in current.items() if before.get(key) != item], happened


def note(incident: Incident, by: str, text: str, now: datetime) -> Changed:
    """A person adds to the timeline. Raises IncidentError for an empty note."""
    return [incident], [_happening(incident, now, "note", by, _words(text, "a note"))]


def set_status(
    incident: Incident, status: Status, by: str, now: datetime, level: IncidentLevel | None = None
) -> Changed:
    """A person says how it stands, and how grave it is. Raises IncidentError; resolved needs `resolve`."""
    _must_be_open(incident)
    if status == "resolved":
        raise IncidentError("an incident is resolved with its root cause")
    told = [] if status == incident.status else [_happening(incident, now, "status", by, status)]
    after = incident if status == incident.status else _with_status(incident, status, now)
    if level is not None and level != incident.level:
        after = replace(after, level=level)
        told.append(_happening(incident, now, "level", by, f"{incident.level} to {level}"))
    if not told:
        raise IncidentError(f"{incident.incident_id} is {status} already")
    return [after], told


def resolve(
    incident: Incident, alerts: Mapping[Identity, Alert], by: str, now: datetime, root_cause: str,
    prevention: str | None = None, impact: str | None = None,
) -> Changed:  # fmt: skip
    """A person closes it. Raises IncidentError while one of its alerts fires, and without a root cause."""
    _must_be_open(incident)
    firing = [identity for identity in incident.alerts if identity in alerts and alerts[identity].is_open]
    if firing:
        raise IncidentError(f"{len(firing)} of its alerts still fire{'s' if len(firing) == 1 else ''}")
    said = {"root_cause": _words(root_cause, "a root cause")}
    said |= {name: _words(text, name) for name, text in (("prevention", prevention), ("impact", impact)) if text}
    after = replace(_with_status(incident, "resolved", now), **said)
    told = [_happening(incident, now, name, by, text) for name, text in said.items()]
    return [after], [*told, _happening(incident, now, "status", by, "resolved")]


def level_of(alerts: Sequence[Alert], grouping: Grouping) -> IncidentLevel:
    """The first configured level that fits; SEV4 without any."""
    for level, matchers, least in grouping.levels:
        if sum(fit(matchers, values_of(alert)) for alert in alerts) >= least:
            return level
    return "SEV4"


def _fits(alert: Alert, incident: Incident, known: Mapping[Identity, Alert], grouping: Grouping) -> bool:
    for key, opened_at in incident.alerts:
        if key == alert.alert_key:
            return True
        member = known.get((key, opened_at))
        if member is None:
            continue
        if abs(_fired(alert) - _fired(member)) <= grouping.span:
            return True
        if any(alert.labels.get(name) and alert.labels[name] == member.labels.get(name)
               for name in grouping.shared_labels):  # fmt: skip
            return True
    return False


def _opened(alert: Alert) -> tuple[Incident, list[Happening]]:
    at = _fired(alert)
    digest = hashlib.sha256(f"{alert.alert_key}\0{_text(alert.opened_at)}".encode()).hexdigest()
    incident = Incident(
        incident_id=f"{at:%Y%m%d}-{digest[:8]}",
        level="SEV4",
        status="investigating",
        status_at=at,
        title=alert.summary,
        started_at=at,
        alerts=(alert.identity,),
    )
    return incident, [_happening(incident, at, "opened", None, _about(alert))]


def _joined(incident: Incident, alert: Alert) -> tuple[Incident, list[Happening]]:
    at = _fired(alert)
    after = replace(incident, alerts=(*incident.alerts, alert.identity), started_at=min(incident.started_at, at))
    told = [_happening(incident, at, "joined", None, _about(alert))]
    if incident.status == "monitoring" and at > incident.status_at:
        after = _with_status(after, "investigating", at)
        told.append(_happening(incident, at, "status", None, "investigating: another alert fires"))
    return after, told


def _settled(
    incident: Incident, known: Mapping[Identity, Alert], grouping: Grouping, has_grown: bool
) -> tuple[Incident, list[Happening]]:
    """The incident with the level of its alerts (a level doesn't fall by itself), monitored when all are resolved."""
    members = [known[identity] for identity in incident.alerts if identity in known]
    told: list[Happening] = []
    level = min(level_of(members, grouping), incident.level) if has_grown else incident.level
    if level != incident.level:
        at = max(map(_fired, members))
        told.append(_happening(incident, at, "level", None, f"{incident.level} to {level}"))
        incident = replace(incident, level=level)
    if len(members) == len(incident.alerts) and all(member.state == "resolved" for member in members):
        over = max(member.resolved_at for member in members if member.resolved_at)
        if incident.status in ("investigating", "identified") and over >= incident.status_at:
            told.append(_happening(incident, over, "status", None, "monitoring: its alerts are resolved"))
            incident = _with_status(incident, "monitoring", over)
    return incident, told


def _with_status(incident: Incident, status: Status, at: datetime) -> Incident:
    times = {"identified": {"identified_at": at}, "monitoring": {"monitoring_at": at}, "resolved": {"resolved_at": at}}
    return replace(incident, status=status, status_at=at, **times.get(status, {}))


def _must_be_open(incident: Incident) -> None:
    if incident.status == "resolved":
        raise IncidentError(f"{incident.incident_id} is resolved; what comes after is another incident")


def _happening(incident: Incident, at: datetime, event: str, actor: str | None, detail: str | None) -> Happening:
    parts = (incident.incident_id, _text(at), event, actor or "", detail or "")
    return Happening(
        hashlib.sha256("\0".join(parts).encode()).hexdigest(), incident.incident_id, at, event, actor, detail
    )


def _about(alert: Alert) -> str:
    return f"{alert.alert_key[:8]} {alert.rule} ({alert.severity}): {alert.summary}"


def _fired(alert: Alert) -> datetime:
    return alert.fired_at or alert.opened_at


def _words(text: str, what: str) -> str:
    """A person's words without addresses and secrets. Raises IncidentError where there are none."""
    words = scrub_text(text).strip()
    if not words:
        raise IncidentError(f"{what} must say something")
    if len(words) > TEXT_LIMIT:
        raise IncidentError(f"{what}: at most {TEXT_LIMIT} characters")
    return words


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
