"""Thousands of seeded days of the engine, with an injected clock: nothing is lost, doubled, late or too much.

Rules fail and recover at random, silences come and go, an inhibiting rule fires, and the process is killed between
deciding and writing, which loses the step. What must hold is checked from the outside, on the notifications alone and
on what the rules reported. CAMPAIGN=1 runs 5,000 scenarios.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from alerting_kit import ALL, Engine, found, minute, silence

from alerting.alerts import alert_key
from alerting.engine import Notification
from alerting.matchers import parse
from alerting.policy import EscalationStep, Inhibition

SCENARIOS = 5000 if os.environ.get("CAMPAIGN") else 120
RULES = {"money": "critical", "gap": "critical", "late": "high", "slow": "medium", "stale": "low", "silent": "critical"}
LABELS = ("a", "b", "c")
POLICY = replace(
    ALL,
    limit=12,
    escalation=(EscalationStep(timedelta(minutes=15), ("lead",)),),
    inhibitions=(Inhibition((parse("rule=silent"),), (parse('rule=~"gap|late"'),), ("name",)),),
)
HOUR = timedelta(hours=1)


class Scenario:
    """One seeded day: what the rules reported, and what was told."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = Engine(POLICY)
        self.failing: defaultdict[str, set[str]] = defaultdict(set)
        self.silenced: list[tuple[float, float, str]] = []
        self.missed: list[str] = []

    def play(self) -> None:
        self.engine.tick(0)
        now = 0.0
        for _ in range(self.random.randrange(10, 60)):
            now += self.random.choice((1, 2, 5, 5, 5, 15, 60))
            self._change(now)
            if self.random.random() < 0.1:  # killed before anything was written: the step never was
                continue
            self._step(now)
        for rule in RULES:
            self.failing[rule] = set()
        self._step(now + 1)
        for hours in range(1, 40):  # time passes: limits, silences and the digest's hour go by
            self.engine.tick(now + 1 + 60 * hours)

    def _change(self, now: float) -> None:
        for rule in RULES:
            for label in LABELS:
                if self.random.random() < 0.15:
                    self.failing[rule] ^= {label}
        if self.random.random() < 0.1:
            rule, length = self.random.choice(list(RULES)), self.random.randrange(5, 200)
            self.silenced.append((now, now + length, rule))
            quiet = silence(minute(now), minute(now + length), f"rule={rule}")
            self.engine.state = replace(self.engine.state, silences=(*self.engine.state.silences, quiet))

    def _step(self, now: float) -> None:
        known = dict(self.engine.state.alerts)
        results = [found(rule, minute(now), sorted(self.failing[rule]), RULES[rule]) for rule in RULES]
        before = len(self.engine.told)
        self.engine.at(minute(now), *results)
        told = self.engine.told[before:]
        heard = {alert.alert_key for notification in told for alert in notification.alerts}
        recent = [n for n in self.engine.told if n.kind not in ("summary",) and minute(now) - n.at < HOUR]
        for rule in ("money", "gap", "silent"):
            muted = any(start <= now < end and name == rule for start, end, name in self.silenced)
            for label in self.failing[rule]:
                key = alert_key(rule, {"name": label})
                silent = self.engine.state.alerts.get(alert_key("silent", {"name": label}))
                # It inhibits while it fires: also while it is flapping and happens not to be reported.
                silent_fires = silent is not None and (silent.flapping or label in self.failing["silent"])
                inhibited = rule == "gap" and silent_fires
                if key not in known and not muted and not inhibited and len(recent) < POLICY.limit and key not in heard:
                    self.missed.append(f"{rule} {label} at {now}")


def broken(told: list[Notification]) -> list[str]:
    """What the notifications alone show to be wrong."""
    wrong = [f"twice: {name}" for name, n in Counter(n.notification_id for n in told).items() if n > 1]
    news: defaultdict[tuple, list[tuple[str, str, object]]] = defaultdict(list)
    raised: dict[str, object] = {}
    for notification in told:
        for alert in notification.alerts:
            kind = {"summary": "firing", "digest": f"digest {alert.state}"}.get(notification.kind, notification.kind)
            news[alert.identity].append((kind, notification.dedup_key, notification.at))
            if kind == "firing":
                last = raised.get(alert.alert_key)
                if last is not None and notification.at - last < POLICY.cooldown:
                    wrong.append(f"within the cooldown: {notification.notification_id}")
                raised[alert.alert_key] = notification.at
            if alert.severity == "low":
                wrong.append(f"low was told: {notification.notification_id}")
    for identity, happened in news.items():
        kinds = [kind for kind, _, _ in happened]
        if any(count > 1 for count in Counter(kinds).values()):
            wrong.append(f"said twice: {identity} {kinds}")
        if "resolved" in kinds and (kinds[0], kinds[-1]) != ("firing", "resolved"):
            wrong.append(f"out of order: {identity} {kinds}")
        if not kinds[0].startswith("digest") and len({thread for _, thread, _ in happened}) > 1:
            wrong.append(f"several threads: {identity}")
    limited = [n.at for n in told if n.kind not in ("summary", "digest")]
    for first, later in zip(limited, limited[POLICY.limit :], strict=False):
        if later - first < HOUR:
            wrong.append(f"more than {POLICY.limit} an hour at {later}")
    summaries = [n.at for n in told if n.kind == "summary"]
    wrong += [f"two summaries at {b}" for a, b in pairwise(summaries) if b - a < HOUR]
    return wrong


@pytest.mark.parametrize("block", range(4))
def test_no_day_loses_doubles_delays_or_overdoes_anything(block):
    kinds: Counter[str] = Counter()
    for seed in range(block * SCENARIOS // 4, (block + 1) * SCENARIOS // 4):
        scenario = Scenario(seed)
        scenario.play()
        told = scenario.engine.told
        assert broken(told) == [], seed
        assert scenario.missed == [], seed
        unsettled = [alert for alert in scenario.engine.state.alerts.values() if not alert.settled]
        assert unsettled == [], seed
        kinds += Counter(notification.kind for notification in told)
    # The scenarios do reach what they are about.
    assert set(kinds) == {"firing", "resolved", "escalated1", "digest", "summary"}


def test_clean_days_tell_nothing():
    for _ in range(10):
        engine = Engine(POLICY)
        for hour in range(100):
            engine.at(minute(60 * hour), *(found(rule, minute(60 * hour)) for rule in RULES))
        assert engine.told == []
