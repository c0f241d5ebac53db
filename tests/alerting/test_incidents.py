"""Incidents: what opens, joins, rises, is monitored and resolved; in the warehouse, killed and repeated; the draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from alerting_kit import ALL, NOON, Engine, emptied, found, minute
from typer.testing import CliRunner

from alerting import incident_store, store
from alerting.__main__ import app
from alerting.engine import EngineState, acknowledge, step
from alerting.incidents import (
    IncidentError,
    follow,
    grouping_of,
    level_of,
    note,
    resolve,
    set_status,
)
from alerting.postmortem import draft
from expectations.results import CheckResult, FailingRow
from warehouse.config import ConfigError
from warehouse.config_alerting import IncidentRule, Incidents

pytestmark = pytest.mark.xdist_group("embedded")
USUAL = grouping_of(Incidents())


def fails(engine: Engine, n: float, rule: str, *rows: dict[str, str], severity: str = "critical") -> None:
    """A step at minute `n` in which the rule reports rows with these labels; none: it holds."""
    result = found(rule, minute(n), (), severity)
    failing = tuple(FailingRow(labels, {"count": 1}, f"{rule} of {labels}") for labels in rows)
    engine.at(minute(n), CheckResult(**{**vars(result), "outcome": "failed" if rows else "passed", "rows": failing}))


def followed(engine: Engine, incidents=(), grouping=USUAL):
    """Incidents after those given, and what happened, as `event detail`."""
    changed, happened = follow(list(incidents), engine.state.alerts.values(), grouping)
    kept = {item.incident_id: item for item in (*incidents, *changed)}
    return list(kept.values()), [f"{item.event} {item.detail}" for item in happened]


def members(engine: Engine, incident) -> list[str]:
    known = {alert.identity: alert.rule for alert in engine.state.alerts.values()}
    return [known[identity] for identity in incident.alerts]


def test_a_critical_alert_opens_an_incident_and_others_do_not():
    engine = Engine()
    fails(engine, 0, "slow", {"name": "a"}, severity="high")
    fails(engine, 1, "odd", {"name": "a"}, severity="medium")
    assert followed(engine) == ([], [])
    fails(engine, 60, "down", {"name": "b"})
    (incident,), happened = followed(engine)
    assert (incident.level, incident.status, incident.started_at) == ("SEV2", "investigating", minute(60))
    assert incident.title == "down of {'name': 'b'}"
    assert members(engine, incident) == ["down"]
    assert [text.split()[0] for text in happened] == ["opened", "level"]
    assert happened[1] == "level SEV4 to SEV2"


def test_alerts_join_within_the_span_or_by_a_shared_label():
    engine = Engine()
    fails(engine, 0, "down", {"name": "a", "source": "solana"})
    fails(engine, 30, "slow", {"name": "b"}, severity="high")  # 30 minutes after it: joins
    fails(engine, 61, "slower", {"name": "c"}, severity="high")  # 31 minutes after the newest: doesn't
    fails(engine, 300, "silent", {"name": "d", "source": "solana"})  # hours later, of the same source: joins
    fails(engine, 400, "other", {"name": "e", "source": "stripe"})  # neither: its own
    incidents, _ = followed(engine)
    assert [members(engine, item) for item in incidents] == [["down", "silent", "slow"], ["other"]]


def test_a_high_alert_shortly_before_the_critical_one_belongs_to_it():
    engine = Engine()
    fails(engine, 0, "slow", {"name": "a"}, severity="high")
    incidents, _ = followed(engine)
    fails(engine, 10, "down", {"name": "b"})
    (incident,), _ = followed(engine, incidents)
    assert members(engine, incident) == ["down", "slow"]
    assert incident.started_at == NOON


def test_the_same_alerts_again_change_nothing_and_in_one_go_give_the_same():
    engine, incidents = Engine(), []
    for n, rule in ((0, "down"), (10, "worse"), (200, "other")):
        fails(engine, n, rule, {"name": rule})
        incidents, _ = followed(engine, incidents)
        assert followed(engine, incidents) == (incidents, [])
    assert followed(engine)[0] == incidents
    assert len(incidents) == 2


def test_it_is_monitored_when_all_its_alerts_are_resolved_and_investigated_when_another_fires():
    engine = Engine()
    fails(engine, 0, "down", {"name": "a"})
    fails(engine, 5, "worse", {"name": "b"})
    incidents, _ = followed(engine)
    fails(engine, 20, "down")
    incidents, happened = followed(engine, incidents)
    assert (incidents[0].status, happened) == ("investigating", [])
    fails(engine, 25, "worse")
    incidents, happened = followed(engine, incidents)
    assert (incidents[0].status, incidents[0].monitoring_at) == ("monitoring", minute(25))
    assert happened == ["status monitoring: its alerts are resolved"]
    fails(engine, 31, "third", {"name": "c"})
    incidents, happened = followed(engine, incidents)
    assert (incidents[0].status, incidents[0].status_at) == ("investigating", minute(31))
    assert happened[1] == "status investigating: another alert fires"


def test_an_alert_that_comes_back_joins_whenever_unless_the_incident_is_resolved():
    engine = Engine()
    fails(engine, 0, "down", {"name": "a"})
    incidents, _ = followed(engine)
    fails(engine, 10, "down")
    incidents, _ = followed(engine, incidents)
    fails(engine, 500, "down", {"name": "a"})
    incidents, _ = followed(engine, incidents)
    assert [len(item.alerts) for item in incidents] == [2]
    fails(engine, 510, "down")
    incidents, _ = followed(engine, incidents)
    known = {alert.identity: alert for alert in engine.state.alerts.values()}
    (closed,), _ = resolve(incidents[0], known, "on call", minute(520), "a cable")
    fails(engine, 530, "down", {"name": "a"})
    after, _ = followed(engine, [closed])
    assert [(item.status, len(item.alerts)) for item in after] == [("resolved", 2), ("investigating", 1)]


@pytest.mark.parametrize(
    ("rules", "level"),
    [
        ([("down", "critical")], "SEV2"),
        ([("down", "critical"), ("slow", "high")], "SEV2"),
        ([("down", "critical")] * 3, "SEV2"),
        ([("down", "critical")] * 4, "SEV1"),
        ([("escrow_mismatch", "critical")], "SEV1"),
        ([("slow", "high")], "SEV3"),
        ([("odd", "medium")], "SEV4"),
    ],
)
def test_the_level_follows_from_severity_number_and_labels(rules, level):
    engine = Engine()
    for n, (rule, severity) in enumerate(rules):
        fails(engine, n, f"{rule}{n}" if rule == "down" else rule, {"name": str(n)}, severity=severity)
    assert level_of(list(engine.state.alerts.values()), USUAL) == level


def test_a_level_rises_by_itself_and_falls_only_by_a_person():
    grouping = grouping_of(Incidents(levels=[IncidentRule(level="SEV1", match=['severity="critical"'], alerts=2)]))
    engine = Engine()
    fails(engine, 0, "down", {"name": "a"})
    (incident,), _ = followed(engine, grouping=grouping)
    assert incident.level == "SEV4"
    fails(engine, 5, "worse", {"name": "b"})
    (incident,), _ = followed(engine, [incident], grouping)
    assert incident.level == "SEV1"
    with pytest.raises(ConfigError, match=r"alerting\.incidents\.levels"):
        grouping_of(Incidents(levels=[IncidentRule(level="SEV1", match=["severity"])]))
    (lower,), told = set_status(replace(incident, level="SEV2"), "identified", "on call", minute(9), "SEV3")
    assert (lower.level, lower.status, lower.identified_at) == ("SEV3", "identified", minute(9))
    assert [(item.event, item.actor, item.detail) for item in told] == [
        ("status", "on call", "identified"), ("level", "on call", "SEV2 to SEV3"),
    ]  # fmt: skip


def test_what_a_person_said_stays_until_another_alert_joins():
    engine = Engine()
    fails(engine, 0, "down", {"name": "a"})
    (incident,), _ = followed(engine)
    (raised,), _ = set_status(incident, "identified", "on call", minute(3), "SEV1")
    (lowered,), _ = set_status(incident, "identified", "on call", minute(3), "SEV3")
    assert [followed(engine, [item]) for item in (raised, lowered)] == [([raised], []), ([lowered], [])]
    fails(engine, 5, "worse", {"name": "b"})
    assert [followed(engine, [item])[0][0].level for item in (raised, lowered)] == ["SEV1", "SEV2"]
    fails(engine, 10, "down")
    fails(engine, 10, "worse")
    (monitored,), _ = followed(engine, [raised])
    (doubted,), _ = set_status(monitored, "investigating", "on call", minute(20))
    assert (monitored.status, followed(engine, [doubted])) == ("monitoring", ([doubted], []))


def test_a_person_resolves_it_with_a_root_cause_when_nothing_fires():
    engine = Engine()
    fails(engine, 0, "down", {"name": "a"})
    (incident,), _ = followed(engine)
    known = {alert.identity: alert for alert in engine.state.alerts.values()}
    with pytest.raises(IncidentError, match="1 of its alerts still fires"):
        resolve(incident, known, "on call", minute(5), "a cable")
    with pytest.raises(IncidentError, match="resolved with its root cause"):
        set_status(incident, "resolved", "on call", minute(5))
    with pytest.raises(IncidentError, match="is investigating already"):
        set_status(incident, "investigating", "on call", minute(5))
    with pytest.raises(IncidentError, match="must say something"):
        note(incident, "on call", "  ", minute(5))
    fails(engine, 10, "down")
    (incident,), _ = followed(engine, [incident])
    known = {alert.identity: alert for alert in engine.state.alerts.values()}
    with pytest.raises(IncidentError, match="a root cause must say something"):
        resolve(incident, known, "on call", minute(20), " ")
    (closed,), told = resolve(incident, known, "on call", minute(20), "a cable; ask jo@example.org", "two cables")
    assert (closed.status, closed.resolved_at, closed.prevention) == ("resolved", minute(20), "two cables")
    assert "jo@example.org" not in closed.root_cause
    assert [item.event for item in told] == ["root_cause", "prevention", "status"]
    with pytest.raises(IncidentError, match="is resolved"):
        resolve(closed, known, "on call", minute(30), "again")


def write(client, before: EngineState, after: EngineState, notifications, now) -> None:
    """What the engine would write, without an outbox."""
    held = store.Held(store.load(client, now).version, before)
    store.save(client, held, after, notifications, {item.notification_id: [] for item in notifications}, now, "run")


@pytest.fixture
def alerted(warehouse):
    """An empty warehouse in which an alert fired at noon, was acknowledged and then resolved, step by step."""
    client = emptied(warehouse)
    client.query("delete from ops.incidents where true; delete from ops.incident_events where true").result()
    states = [EngineState()]

    def advance(n: float, *results, take_over: bool = False) -> None:
        before = states[-1]
        middle = acknowledge(before, next(iter(before.alerts)), "on call", minute(n)) if take_over else before
        after, told = step(middle, results, minute(n), ALL)
        write(client, before, after, told, minute(n))
        states.append(after)

    return client, advance


def test_in_the_warehouse_it_is_followed_again_without_a_change_and_ends_in_a_draft(alerted, config):
    client, advance = alerted
    advance(0, found("down", minute(0), ["a"]))
    first = incident_store.keep_up(client, config, lambda: minute(1))
    assert incident_store.keep_up(client, config, lambda: minute(2)) == first
    (incident,) = first.incidents
    advance(5, take_over=True)
    incident_store.act(
        client, config, incident.incident_id, lambda: minute(6),
        lambda item, _, now: note(item, "on call", "the | cable is out", now),
    )  # fmt: skip
    advance(10, found("down", minute(10)))
    incident_store.act(
        client, config, incident.incident_id[:8], lambda: minute(20),
        lambda item, alerts, now: resolve(item, alerts, "on call", now, "a cable", "two cables", "payouts waited"),
    )  # fmt: skip
    (closed,) = incident_store.keep_up(client, config, lambda: minute(30)).incidents
    assert (closed.status, closed.monitoring_at, closed.resolved_at) == ("resolved", minute(10), minute(20))
    record = incident_store.record_of(client, closed)
    happened = sorted((item.happened_at, item.event, item.actor or "-") for item in record if ":" not in item.event)
    assert happened == [
        (minute(0), "level", "-"), (minute(0), "opened", "-"), (minute(5), "acknowledged", "on call"),
        (minute(6), "note", "on call"), (minute(10), "resolved", "-"), (minute(10), "status", "-"),
        (minute(20), "impact", "on call"), (minute(20), "prevention", "on call"),
        (minute(20), "root_cause", "on call"), (minute(20), "status", "on call"),
    ]  # fmt: skip
    assert [item.happened_at for item in record] == sorted(item.happened_at for item in record)
    assert [item.event for item in record if ":" in item.event] == ["told:firing", "told:acknowledged", "told:resolved"]
    text = draft(closed, incident_store.alerts_of(client, closed), record)
    assert "| level, status | SEV2, resolved |" in text
    assert "| acknowledged | 2026-10-05 12:05:00 |" in text
    assert "| 2026-10-05 12:06:00 | the \\| cable is out | on call |" in text
    assert "| alerts over | 2026-10-05 12:10:00 |" in text
    assert "| impact | payouts waited |" in text
    assert "## Root cause\na cable\n" in text
    assert "## Prevention\ntwo cables\n" in text
    assert "Runbooks: down.md\n" in text


def test_a_process_that_was_killed_before_its_commit_left_nothing_and_the_next_makes_up_for_it(
    alerted, config, monkeypatch
):
    client, advance = alerted
    advance(0, found("down", minute(0), ["a"]))
    advance(5, found("down", minute(5)))
    real = incident_store.plain

    def killed(values):
        raise KeyboardInterrupt

    monkeypatch.setattr(incident_store, "plain", killed)
    with pytest.raises(KeyboardInterrupt):
        incident_store.keep_up(client, config, lambda: minute(6))
    monkeypatch.setattr(incident_store, "plain", real)
    assert incident_store.load(client, minute(6)).incidents == ()
    (incident,) = incident_store.keep_up(client, config, lambda: minute(600)).incidents
    assert (incident.started_at, incident.status, incident.monitoring_at) == (minute(0), "monitoring", minute(5))


def test_of_two_that_decided_on_the_same_state_one_writes(alerted, config):
    client, advance = alerted
    advance(0, found("down", minute(0), ["a"]))
    known = incident_store.load(client, minute(1))
    changed = follow(known.incidents, known.alerts.values(), USUAL)
    incident_store.save(client, known, *changed)
    (incident,), happened = note(changed[0][0], "on call", "too late", minute(2))
    with pytest.raises(store.ConcurrentChange):
        incident_store.save(client, known, [incident], happened)
    after = incident_store.load(client, minute(3))
    assert (len(after.incidents), after.length) == (1, len(changed[1]))


def test_an_alert_long_gone_opens_none(alerted, config):
    client, advance = alerted
    advance(0, found("down", minute(0), ["a"]))
    advance(5, found("down", minute(5)))
    later = minute(6) + timedelta(days=7)
    assert incident_store.keep_up(client, config, lambda: later).incidents == ()


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["incident", *words])
    return done.exit_code, done.output


def test_at_a_terminal(alerted, config, monkeypatch, tmp_path):
    client, advance = alerted
    monkeypatch.setattr("alerting.cli_incidents.load_config", lambda: config)
    monkeypatch.setenv("COLUMNS", "200")
    assert run("list") == (0, "no open incidents\n")
    advance(0, found("down", minute(0), ["a"]))
    code, text = run("list")
    assert (code, "SEV2" in text, "investigating" in text, "2026-10-05 12:00:00" in text) == (0, True, True, True)
    (incident,) = incident_store.load(client, minute(1)).incidents
    key = incident.incident_id
    assert run("note", key, "looking", "--by", "on call") == (0, f"{key} SEV2 investigating\n")
    assert run("note", key, "looking", "--by", "jo@example.org")[0] == 2
    assert run("status", key, "identified", "--by", "on call") == (0, f"{key} SEV2 identified\n")
    assert run("status", key, "fine", "--by", "on call")[0] == 2
    assert run("resolve", key, "--by", "on call", "--root-cause", "a cable")[0] == 2  # it fires
    assert run("show", "20990101")[0] == 2
    code, text = run("show", key)
    assert (code, "looking" in text, "Status: identified" in text) == (0, True, True)
    advance(10, found("down", minute(10)))
    assert run("resolve", key, "--by", "on call", "--root-cause", "a cable") == (0, f"{key} SEV2 resolved\n")
    page = tmp_path / "draft.md"
    assert run("postmortem", key, "--output", str(page))[0] == 0
    assert page.read_text().startswith(f"# Incident {key}: down of a\n")
    assert run("list") == (0, "no open incidents\n")
    assert "resolved" in run("list", "--all")[1]
