"""How alerts are told, as values from the configuration: routes, grouping, waits, limits, escalation, inhibition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from alerting.alerts import CHECK_ERROR, Alert, Damping
from alerting.matchers import Matcher, MatcherError, fit, parse
from expectations.rules import Rule
from reporting.metrics import load_metrics
from warehouse.config import Config, ConfigError
from warehouse.config_alerting import SEVERITIES

CHECK_RESULTS = "ops.check_results"


@dataclass(frozen=True)
class Route:
    """Channels of the alerts that fit, all told; `fallback` are told in place of one that fails."""

    matchers: tuple[Matcher, ...]
    channels: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    go_on: bool = False


@dataclass(frozen=True)
class Inhibition:
    """While an alert fits `source`, those that fit `target` with equal values of `equal` aren't told."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True)
class EscalationStep:
    """Channels that are told so long after the alert was told and not acknowledged."""

    after: timedelta
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Everything that decides what is told, when, and to whom. The defaults are the reference's.

    `families` maps a rule to its family; a rule without one is its own. `marts` maps a rule to its table.
    """

    routes: tuple[Route, ...] = ()
    group_by: tuple[str, ...] = ("family",)
    families: Mapping[str, str] = field(default_factory=dict)
    group_wait: Mapping[str, timedelta] = field(default_factory=dict)
    group_interval: Mapping[str, timedelta] = field(default_factory=lambda: {"high": timedelta(minutes=5)})
    damping: Damping = field(default_factory=lambda: Damping(changes=5))
    cooldown: timedelta = timedelta(minutes=5)
    limit: int = 50
    digest: frozenset[str] = frozenset({"medium"})
    digest_hour: int = 8
    record_only: frozenset[str] = frozenset({"low"})
    escalate: frozenset[str] = frozenset({"critical"})
    escalation: tuple[EscalationStep, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    marts: Mapping[str, str] = field(default_factory=dict)
    batch: int = 100
    """Alerts in one notification, at most; what is more waits for the next one."""

    def channels_for(self, alert: Alert) -> tuple[str, ...]:
        """Channels that hear of an alert, in the routes' order."""
        return tuple(dict.fromkeys(name for route in self._routes(alert) for name in route.channels))

    def chain(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Channels of the alert with these labels in the order in which one stands in for another."""
        taken = _taken(self.routes, values)
        told = [name for route in taken for name in route.channels]
        return tuple(dict.fromkeys(told + [name for route in taken for name in route.fallback]))

    def _routes(self, alert: Alert) -> list[Route]:
        return _taken(self.routes, values_of(alert))

    def group_of(self, alert: Alert) -> tuple[str, ...]:
        """What alerts that are told together have in common: severity, and the values of `group_by`."""
        family = self.families.get(alert.rule, alert.rule)
        return alert.severity, *(
            family if name == "family" else values_of(alert).get(name, "") for name in self.group_by
        )


def values_of(alert: Alert) -> dict[str, str]:
    """Labels as matchers see them: the alert's own, its rule and its severity."""
    return {**alert.labels, "rule": alert.rule, "severity": alert.severity}


def _taken(routes: Iterable[Route], values: Mapping[str, str]) -> list[Route]:
    taken = []
    for route in routes:
        if fit(route.matchers, values):
            taken.append(route)
            if not route.go_on:
                break
    return taken


def policy_of(config: Config, rules: Sequence[Rule]) -> Policy:
    """The configuration and what the rules inhibit as a policy. Raises ConfigError for a matcher that is none."""
    alerting = config.alerting

    def minutes(values: Mapping[str, int]) -> dict[str, timedelta]:
        return {name: timedelta(minutes=value) for name, value in values.items()}

    try:
        routes = [
            Route(_matchers(route.match), tuple(route.channels), tuple(route.fallback), route.go_on)
            for route in alerting.routes
        ]
        configured = [
            Inhibition(_matchers(rule.source), _matchers(rule.target), tuple(rule.equal)) for rule in alerting.inhibit
        ]
    except MatcherError as error:
        raise ConfigError(f"alerting: {error}") from None
    return Policy(
        routes=tuple(routes or _routes_by_severity(config)),
        group_by=tuple(alerting.group_by),
        families={rule: family for family, members in alerting.families.items() for rule in members},
        group_wait=minutes(alerting.group_wait_minutes),
        group_interval=minutes(alerting.group_interval_minutes),
        damping=Damping(
            pending=minutes(alerting.pending_minutes),
            changes=alerting.flapping.changes,
            within=timedelta(minutes=alerting.flapping.within_minutes),
            quiet=timedelta(minutes=alerting.flapping.quiet_minutes),
        ),
        cooldown=timedelta(minutes=alerting.cooldown_minutes),
        limit=alerting.limit_an_hour,
        digest=frozenset(alerting.digest),
        digest_hour=alerting.digest_hour,
        record_only=frozenset(alerting.record_only),
        escalate=frozenset(alerting.escalate),
        escalation=tuple(
            EscalationStep(timedelta(minutes=step.after_minutes), tuple(step.channels)) for step in alerting.escalation
        ),
        inhibitions=(*inhibitions(rules), *reader_inhibitions(rules, _metric_sources(rules)), *configured),
        marts={**{rule.name: rule.mart for rule in rules}, CHECK_ERROR: CHECK_RESULTS},
    )


def inhibitions(rules: Iterable[Rule]) -> list[Inhibition]:
    """What the rule files' `inhibits` say: while the rule fires, the named ones aren't told."""
    return [
        Inhibition((Matcher("rule", "=", rule.name),), (Matcher("rule", "=", other),))
        for rule in rules
        for other in rule.inhibits
    ]


def reader_inhibitions(rules: Sequence[Rule], sources: Mapping[str, Sequence[str]]) -> list[Inhibition]:
    """What `inhibits_readers_of` says: while the rule fires for a source, rules that need it aren't told.

    `sources` maps metrics to the sources without which they are missing; "M7/solana" needs that source of it alone.
    """
    readers: dict[str, list[str]] = {}
    for rule in rules:
        for need in rule.needs:
            metric, _, only = need.partition("/")
            for source in [only] if only else sources.get(metric, ()):
                readers.setdefault(source, []).append(rule.name)
    return [
        Inhibition(
            (Matcher("rule", "=", rule.name), Matcher(rule.inhibits_readers_of, "=", source)),
            (Matcher("rule", "=~", "|".join(sorted(set(names) - {rule.name}))),),
        )
        for rule in rules
        if rule.inhibits_readers_of
        for source, names in sorted(readers.items())
        if set(names) - {rule.name}
    ]


def _metric_sources(rules: Iterable[Rule]) -> dict[str, list[str]]:
    """Sources by metric; nothing is read where no rule asks for them."""
    if not any(rule.inhibits_readers_of for rule in rules):
        return {}
    return {metric.id: list(metric.sources) for metric in load_metrics()}


def _matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    return tuple(parse(text) for text in texts)


def _routes_by_severity(config: Config) -> list[Route]:
    """Without routes each channel hears of its own severities, and stands in for those before it."""
    routes = []
    for severity in SEVERITIES:
        names = tuple(channel.name for channel in config.channels if severity in channel.severities)
        if names:
            routes.append(Route((Matcher("severity", "=", severity),), names))
    return routes
