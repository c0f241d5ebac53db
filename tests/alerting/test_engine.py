"""The engine as a pure function, minute by minute: what is told, when, to whom, and what is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from alerting_kit import ALL, NOON, Engine, found, minute, silence

from alerting.alerts import Damping, alert_key
from alerting.engine import EngineState, NothingToAcknowledge, acknowledge
from alerting.matchers import MatcherError, parse
from alerting.policy import EscalationStep, Inhibition, Route, inhibitions, reader_inhibitions
from expectations.rules import Rule


def test_it_tells_once_and_resolves_on_the_same_key():
    engine = Engine()
    assert engine.fails(0, "a") == ["firing r a"]
    assert engine.fails(1, "a") == []
    assert engine.tick(60) == []
    assert engine.fails(61) == ["resolved r a"]
    assert engine.fails(62) == engine.tick(63) == []
    first, last = engine.told
    assert first.dedup_key == last.dedup_key == f"{alert_key('r', {'name': 'a'})}:2026-10-05T12:00:00Z"
    assert [first.still_open, last.still_open] == [1, 0]
    assert [n.notification_id.split(":", 2)[1] for n in engine.told] == ["firing", "resolved"]


def test_an_alert_waits_as_pending_for_its_rules_time_and_is_forgotten_when_it_goes_away():
    engine = Engine(replace(ALL, damping=Damping(pending={"r": timedelta(minutes=10)})))
    assert engine.fails(0, "a") == engine.fails(9, "a") == []
    assert engine.states() == {"a": "pending"}
    assert engine.fails(10, "a") == ["firing r a"]
    (alert,) = engine.state.alerts.values()
    assert (alert.opened_at, alert.fired_at) == (minute(0), minute(10))
    assert engine.fails(11, "a", "b") == []
    assert engine.fails(12, "a") == []
    assert engine.states() == {"a": "firing"}
    assert engine.fails(15, "a", "b") == []  # b begins anew
    assert engine.fails(24, "a", "b") == []
    assert engine.fails(25, "a", "b") == ["firing r b"]


def test_cooldown_holds_a_second_outbreak_back_until_five_minutes_after_the_first_was_told():
    engine = Engine()
    assert engine.fails(0, "a") == ["firing r a"]
    assert engine.fails(1) == ["resolved r a"]
    assert engine.fails(2, "a") == engine.tick(4.9) == []
    assert engine.tick(5) == ["firing r a"]


def test_what_came_and_went_within_the_cooldown_is_never_told():
    engine = Engine()
    told = [engine.fails(0, "a"), engine.fails(1), engine.fails(2, "a"), engine.fails(3), engine.tick(20)]
    assert told == [["firing r a"], ["resolved r a"], [], [], []]


def test_alerts_of_one_rule_and_evaluation_are_one_notification():
    engine = Engine()
    assert engine.fails(0, "b", "a", "c") == ["firing r a,b,c"]
    assert engine.fails(1, "a") == ["resolved r b,c"]
    assert engine.told[-1].still_open == 1
    assert engine.fails(2) == ["resolved r a"]
    assert len({n.dedup_key for n in engine.told}) == 1


def test_rules_of_a_family_are_told_together_and_group_by_a_label_parts_them():
    family = replace(ALL, families={"x": "money", "y": "money"})
    both = [found("x", NOON, ["a"]), found("y", NOON, ["b"]), found("z", NOON, ["c"])]
    assert Engine(family).at(NOON, *both) == ["firing x+y a,b", "firing z c"]
    assert Engine(replace(ALL, group_by=("family", "name"))).fails(0, "a", "b") == ["firing r a", "firing r b"]
    assert Engine(replace(ALL, group_by=())).at(NOON, *both) == ["firing x+y+z a,b,c"]


def test_group_interval_batches_the_next_alerts_of_a_group_but_not_critical_ones():
    engine = Engine()
    assert engine.fails(0, "a", severity="high") == ["firing r a"]
    assert engine.fails(1, "a", "b", severity="high") == engine.fails(3, "a", "b", "c", severity="high") == []
    assert engine.tick(5) == ["firing r b,c"]
    urgent = Engine()
    assert urgent.fails(0, "a") == ["firing r a"]
    assert urgent.fails(1, "a", "b") == ["firing r b"]


def test_group_wait_gathers_before_the_first_notification():
    engine = Engine(replace(ALL, group_wait={"critical": timedelta(minutes=1)}))
    assert engine.fails(0, "a") == engine.fails(0.5, "a", "b") == []
    assert engine.tick(1) == ["firing r a,b"]


def test_a_batch_is_of_a_hundred_alerts_at_most():
    engine = Engine()
    told = engine.fails(0, *(f"{n:03}" for n in range(201)))
    assert [len(notification.alerts) for notification in engine.told] == [100, 100, 1]
    assert len(told) == 3


def test_a_silence_holds_back_and_what_still_fires_is_told_when_it_ends():
    engine = Engine(state=EngineState(silences=(silence(minute(10), minute(20), 'rule="r"', 'name=~"a|b"'),)))
    assert engine.fails(9, "b") == ["firing r b"]
    assert engine.fails(10, "a", "b", "c") == ["firing r c"]
    assert engine.fails(12, "a", "c") == ["resolved r b"]  # its channel's incident must close
    assert engine.tick(19.9) == []
    assert engine.tick(20) == ["firing r a"]


def test_what_came_and_went_in_silence_is_never_told():
    engine = Engine(state=EngineState(silences=(silence(minute(0), minute(20), "severity=critical"),)))
    assert engine.fails(1, "a") == engine.fails(2) == engine.tick(30) == []
    assert [alert.settled for alert in engine.state.alerts.values()] == [True]


def inhibition(source: str, target: str, *equal: str) -> Inhibition:
    return Inhibition((parse(source),), (parse(target),), equal)


def test_a_silent_source_mutes_the_rules_that_read_it_until_it_is_back():
    engine = Engine(replace(ALL, inhibitions=(inhibition("rule=source_silent", 'rule=~"x|y"'),)))
    results = [found(rule, NOON, ["a"]) for rule in ("source_silent", "x", "y", "z")]
    assert engine.at(NOON, *results) == ["firing source_silent a", "firing z a"]
    assert engine.at(minute(5), found("source_silent", minute(5))) == [
        "resolved source_silent a",
        "firing x a",
        "firing y a",
    ]


def rule(name: str, **more) -> Rule:
    return Rule(
        name=name, title="t", severity="high", mart="marts.t", failing_rows="select source from {batch}",
        labels=["source"], summary="{{ source }}", runbook="index.md", **more,
    )  # fmt: skip


def test_a_rule_file_says_what_it_inhibits_by_name_and_by_source():
    rules = [
        rule("source_silent", inhibits=["z"], inhibits_readers_of="source"),
        rule("api_down", needs=["M14"]),
        rule("latency", needs=["M14", "M7/solana"]),
        rule("z"),
    ]
    made = [*inhibitions(rules), *reader_inhibitions(rules, {"M14": ["cloudflare"]})]
    assert [(" ".join(map(str, one.source)), " ".join(map(str, one.target))) for one in made] == [
        ('rule="source_silent"', 'rule="z"'),
        ('rule="source_silent" source="cloudflare"', 'rule=~"api_down|latency"'),
        ('rule="source_silent" source="solana"', 'rule=~"latency"'),
    ]


def test_inhibition_can_need_equal_labels_and_nothing_inhibits_itself():
    policy = replace(ALL, inhibitions=(inhibition("rule=s", "rule=x", "name"), inhibition('rule=~"."', 'rule=~"."')))
    engine = Engine(policy)
    assert engine.at(NOON, found("s", NOON, ["a"]), found("x", NOON, ["a", "b"])) == ["firing s a", "firing x b"]


def test_acknowledged_is_told_and_ends_the_escalation():
    steps = (EscalationStep(timedelta(minutes=10), ("lead",)), EscalationStep(timedelta(minutes=30), ("boss", "lead")))
    engine = Engine(replace(ALL, escalation=steps))
    engine.fails(0, "a", "b")
    assert engine.tick(9.9) == []
    assert engine.tick(10) == ["escalated1 r a,b"]
    assert engine.told[-1].channels == ("lead",)
    assert engine.tick(11) == []
    engine.state = acknowledge(engine.state, alert_key("r", {"name": "a"})[:8], "on call", minute(12))
    assert engine.tick(12) == ["acknowledged r a"]
    assert (engine.told[-1].channels, engine.told[-1].unacknowledged) == (("chat", "lead"), 1)
    assert engine.tick(30) == ["escalated2 r b"]
    assert engine.fails(31) == ["resolved r a", "resolved r b"]
    assert [n.channels for n in engine.told[-2:]] == [("chat", "lead"), ("chat", "lead", "boss")]
    assert {n.dedup_key for n in engine.told} == {engine.told[0].dedup_key}


def test_missed_escalations_are_all_made_up_for_and_high_is_not_escalated():
    steps = (EscalationStep(timedelta(minutes=10), ("lead",)), EscalationStep(timedelta(minutes=30), ("boss",)))
    engine = Engine(replace(ALL, escalation=steps))
    engine.fails(0, "a")
    assert engine.fails(0, "h", rule="q", severity="high") == ["firing q h"]
    assert engine.tick(100) == ["escalated1 r a", "escalated2 r a"]
    assert engine.tick(200) == []


def test_only_one_open_alert_can_be_acknowledged_and_only_once():
    engine = Engine()
    engine.fails(0, "a", "b")
    key = alert_key("r", {"name": "a"})
    with pytest.raises(NothingToAcknowledge, match=r"^2 open alerts with key $"):
        acknowledge(engine.state, "", "x", NOON)
    with pytest.raises(NothingToAcknowledge, match=r"^no open alert with key zz$"):
        acknowledge(engine.state, "zz", "x", NOON)
    taken = acknowledge(engine.state, key, "on call", NOON)
    with pytest.raises(NothingToAcknowledge, match=f"^alert {key[:12]} was acknowledged by on call$"):
        acknowledge(taken, key, "other", NOON)


def test_medium_is_told_once_a_day_and_low_never():
    engine = Engine()  # the digest is at 8:00; noon is minute 0
    assert engine.fails(0, "m", severity="medium") == engine.fails(0, "l", rule="low", severity="low") == []
    assert engine.fails(60, "n", "m", severity="medium") == engine.fails(120, "m", severity="medium") == []
    morning = 20 * 60
    assert engine.tick(morning - 0.1) == []
    assert engine.tick(morning) == ["digest r m,n"]
    assert [alert.state for alert in engine.told[-1].alerts] == ["firing", "resolved"]
    assert engine.tick(morning + 1) == engine.fails(morning + 60, severity="medium") == []
    assert engine.tick(morning + 24 * 60) == ["digest r m"]
    assert engine.tick(morning + 48 * 60) == []  # nothing new: no digest
    assert len({n.notification_id for n in engine.told}) == 2


def test_an_alert_that_becomes_critical_is_told_at_once_and_again_when_it_was_told_as_high():
    engine = Engine()
    assert engine.fails(0, "a", severity="medium") == []
    assert engine.fails(1, "a", severity="high") == ["firing r a"]
    assert engine.fails(2, "a", severity="critical") == ["raised r a"]
    assert engine.fails(3, "a", severity="high") == engine.fails(4, "a", severity="critical") == []
    assert [n.severity for n in engine.told] == ["high", "critical"]
    assert engine.fails(5) == ["resolved r a"]


def test_fifty_notifications_an_hour_then_one_summary_and_nothing_is_lost():
    engine = Engine()
    rules = [f"r{n:02}" for n in range(60)]
    told = engine.at(NOON, *(found(rule, NOON, ["a"]) for rule in rules))
    assert len(told) == 51
    assert told[:50] == [f"firing {rule} a" for rule in rules[:50]]
    assert told[50] == f"summary {'+'.join(rules[50:])} {','.join('a' * 10)}"
    later = [found("late", minute(10), ["a"]), found("r00", minute(10))]
    assert engine.at(minute(10), *later) == engine.tick(59.9) == []
    assert engine.tick(60) == ["firing late a", "resolved r00 a"]
    resolved = engine.at(minute(61), *(found(rule, minute(61)) for rule in (*rules, "late")))
    assert len(resolved) == 48  # two of this hour's fifty are used
    assert len(engine.at(minute(121))) == 13 - 1  # r00 was told; the summary's ten share a thread, but not a rule
    assert all(alert.settled for alert in engine.state.alerts.values())


def test_the_worst_is_told_first_when_room_is_short():
    engine = Engine(replace(ALL, limit=1))
    results = [found("a", NOON, ["x"], "high"), found("b", NOON, ["x"], "critical"), found("c", NOON, ["x"], "high")]
    assert engine.at(NOON, *results) == ["firing b x", "summary a+c x,x"]


def test_flapping_stays_firing_with_a_note_until_it_is_quiet():
    engine = Engine(replace(ALL, cooldown=timedelta(0)))
    told = [engine.fails(n, *("a" * (n % 2 == 0))) for n in range(4)]
    assert told == [["firing r a"], ["resolved r a"], ["firing r a"], ["resolved r a"]]
    assert engine.fails(4, "a") == ["firing r a"]  # the fifth change within the hour
    (alert,) = engine.told[-1].alerts
    assert alert.flapping
    assert engine.fails(5) == engine.fails(6, "a") == engine.fails(7) == engine.tick(36.9) == []
    assert engine.states() == {"a": "firing"}
    assert engine.tick(37) == ["resolved r a"]
    assert engine.fails(38, "a") == ["firing r a"]
    assert not engine.told[-1].lead.flapping


def test_five_changes_over_more_than_an_hour_are_no_flapping():
    engine = Engine()
    told = [engine.fails(20 * n, *("a" * (n % 2 == 0))) for n in range(8)]
    assert told == [["firing r a"], ["resolved r a"]] * 4


def test_routes_go_by_severity_and_label_and_the_first_that_fits_is_taken():
    routes = (
        Route((parse('name=~"eu-.*"'),), ("eu",), go_on=True),
        Route((parse("severity=critical"),), ("page", "chat"), fallback=("mail",)),
        Route((parse("severity!=low"),), ("chat",)),
    )
    engine = Engine(replace(ALL, routes=routes))
    engine.at(NOON, found("r", NOON, ["eu-1", "us-1"]), found("h", NOON, ["us-2"], "high"))
    assert [(n.lead.labels["name"], n.channels) for n in engine.told] == [
        ("eu-1", ("eu", "page", "chat")),
        ("us-1", ("page", "chat")),
        ("us-2", ("chat",)),
    ]
    assert engine.policy.chain({"severity": "critical", "name": "us"}) == ("page", "chat", "mail")


def test_what_nobody_wants_to_hear_of_is_no_notification():
    engine = Engine(replace(ALL, routes=()))
    assert engine.fails(0, "a") == engine.fails(1) == []
    assert [alert.state for alert in engine.state.alerts.values()] == ["resolved"]


def test_a_check_that_cannot_be_evaluated_is_told_and_resolves_nothing():
    engine = Engine()
    engine.fails(0, "a")
    assert engine.at(minute(1), found("r", minute(1), error="no such table")) == ["firing check_error r"]
    assert engine.fails(2, "a") == ["resolved check_error r"]


@pytest.mark.parametrize(
    ("text", "values", "fits"),
    [
        ('rule="r"', {"rule": "r"}, True),
        ("rule=r", {"rule": "rr"}, False),
        ("rule!=r", {}, True),
        ('vault=~"3b.*"', {"vault": "3bX"}, True),
        ('vault=~"b"', {"vault": "abc"}, False),  # the whole value, as in Alertmanager
        ('vault!~"a|b"', {"vault": "c"}, True),
        ('absent=""', {}, True),
    ],
)
def test_matchers_are_alertmanagers(text, values, fits):
    assert parse(text).fits(values) is fits


@pytest.mark.parametrize("text", ["", "rule", "rule==r", "=r", 'rule="r', "vault=~(", "Rule=r"])
def test_a_wrong_matcher_is_refused(text):
    with pytest.raises(MatcherError, match=r"^not a (matcher|regular expression)"):
        parse(text)
