"""Every crash point of the real persistence: whatever is killed, a later run tells everything, and nothing anew.

The process is killed at each call of the warehouse, before it or right after it took effect, and at each sending. What
is told more than once then is the very same notification (id and thread), which the channels' keys tell apart.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta

import pytest
from alerting_kit import NOON, emptied, found, minute

from alerting.policy import EscalationStep, Policy, Route
from alerting.run import process, take_over
from expectations.results import CheckResult

pytestmark = pytest.mark.xdist_group("embedded")
POLICY = Policy(
    routes=(Route((), ("chat", "page")),), escalation=(EscalationStep(timedelta(minutes=10), ("page", "boss")),)
)


class Killed(BaseException):
    """The process ends here; no handler of the code may catch it."""


class Fuse:
    """Counts the instants at which the process may be killed, and kills it at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.passed = at, 0

    def __call__(self) -> None:
        if self.passed == self.at:
            raise Killed
        self.passed += 1


class Mortal:
    """A warehouse's client whose process may be killed before each query and after it."""

    def __init__(self, client, fuse: Fuse) -> None:
        self._client, self._fuse = client, fuse
        self.project = client.project

    def query(self, *args, **options):
        self._fuse()
        job = self._client.query(*args, **options)
        job.result()
        self._fuse()
        return job


class Recorder:
    """A channel that keeps what it took; its process may be killed before and after."""

    def __init__(self, name: str, took: list, fuse: Fuse) -> None:
        self.name, self._took, self._fuse = name, took, fuse

    def send(self, message) -> None:
        self._fuse()
        self._took.append((self.name, message.kind, message.notification_id, message.dedup_key))
        self._fuse()


class World:
    """Runs of the engine over one warehouse, each with its own fuse."""

    def __init__(self, config, client) -> None:
        self.config, self.client, self.took = config, client, []

    def run(self, now: datetime, results: list[CheckResult], fuse: Fuse) -> None:
        """process() of results; without any, what time brings."""
        channels = {name: Recorder(name, self.took, fuse) for name in ("chat", "page", "boss")}
        window = results[0].window if results else None
        run_id = results[0].run_id if results else "tick"
        mortal = Mortal(self.client, fuse)
        process(results, window, self.config, mortal, run_id, lambda: now, channels, POLICY)

    def rows(self, sql: str) -> list[dict]:
        return [dict(row) for row in self.client.query(sql).result()]


STEPS = [
    (0, [("r", ["a", "b"]), ("q", ["c"])]),
    (1, [("r", ["b"]), ("q", [])]),
    (12, []),
    (20, [("r", [])]),
]
"""Minute and what each rule reports: raised, partly resolved, escalated, resolved."""
NEEDED = [{"firing": 4}, {"resolved": 4}, {"escalated1": 2}, {"resolved": 3}]
"""Entries of each step: r's alerts are one notification, and channels are two, three once it was escalated."""


@pytest.fixture
def world(config, warehouse) -> World:
    return World(config, emptied(warehouse))


def results_of(step: int, at: datetime) -> list[CheckResult]:
    moment, rules = STEPS[step]
    return [found(rule, minute(moment), labels) for rule, labels in rules]


def play(world: World, steps: int, killed_step: int, fuse: Fuse) -> None:
    """So many steps; the process of one is killed where its fuse says, and runs again after the lease has ended."""
    late = timedelta(0)
    for number, (moment, _) in enumerate(STEPS[:steps]):
        results = results_of(number, minute(moment))
        if number == killed_step:
            try:
                world.run(minute(moment) + late, results, fuse)
            except Killed:
                late = timedelta(minutes=6)
                world.run(minute(moment) + late, results, Fuse())
        else:
            world.run(minute(moment) + late, results, Fuse())


def check(world: World, steps: int) -> Counter:
    """Asserts that all was told and that the state is right; how often each entry arrived."""
    arrived = Counter(world.took)
    entries = {(name, kind, identity) for name, kind, identity, _ in arrived}
    assert len(entries) == len(arrived)  # a repeat has the same thread
    assert Counter(kind for _, kind, _ in entries) == sum(map(Counter, NEEDED[:steps]), Counter())
    assert world.rows("select distinct state from ops.notifications") == [{"state": "sent"}]
    told = world.rows("select count(*) as n, count(distinct event_id) as ids from ops.alert_events")
    assert told[0]["n"] == told[0]["ids"]
    states = Counter(row["state"] for row in world.rows("select state from ops.alerts"))
    assert (
        states
        == [{"firing": 3}, {"firing": 1, "resolved": 2}, {"firing": 1, "resolved": 2}, {"resolved": 3}][steps - 1]
    )
    return arrived


SAMPLE = (3, 8, 9, 13, 16)
"""Instants of the first step: reading, before and after the write, before and after a sending."""


@pytest.mark.parametrize("instant", SAMPLE)
def test_a_process_killed_at_an_instant_loses_nothing_and_says_nothing_new(world, instant):
    fuse = Fuse(instant)
    play(world, 1, 0, fuse)
    arrived = check(world, 1)
    assert sum(arrived.values()) - len(arrived) <= 1  # only what was being sent when it died
    assert fuse.passed == instant


@pytest.mark.skipif(not os.environ.get("CAMPAIGN"), reason="CAMPAIGN=1 runs every instant; it takes an hour")
@pytest.mark.parametrize("step", range(4))
def test_a_process_killed_at_every_instant_of_every_step(config, warehouse, step):
    clean, fuse = World(config, emptied(warehouse)), Fuse()
    play(clean, 4, step, fuse)
    assert set(check(clean, 4).values()) == {1}
    for instant in range(fuse.passed):
        world = World(config, emptied(warehouse))
        play(world, 4, step, Fuse(instant))
        arrived = check(world, 4)
        assert sum(arrived.values()) - len(arrived) <= 1, instant


def test_alerts_can_be_taken_over_and_the_channels_are_told(world):
    world.run(NOON, results_of(0, NOON), Fuse())
    key = world.rows("select alert_key from ops.alerts where rule = 'q'")[0]["alert_key"]
    take_over(world.config, world.client, key[:12], "on call", "looking", lambda: minute(2), POLICY)
    world.run(minute(30), [], Fuse())
    assert Counter((name, kind) for name, kind, _, _ in world.took) == {
        ("chat", "firing"): 2, ("page", "firing"): 2, ("chat", "acknowledged"): 1, ("page", "acknowledged"): 1,
        ("page", "escalated1"): 1, ("boss", "escalated1"): 1,
    }  # fmt: skip
    assert world.rows("select acknowledged_by, note from ops.acknowledgements") == [
        {"acknowledged_by": "on call", "note": "looking"}
    ]
    events = world.rows("select event from ops.alert_events where rule = 'q' order by happened_at, event")
    assert [row["event"] for row in events] == ["firing", "told:firing", "acknowledged", "told:acknowledged"]
