"""Alerts and the outbox on the real embedded warehouse, from check results to what the channels received."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from checks_data import START, VAULT
from google.api_core.exceptions import BadRequest
from webhook_receiver import receiving

from alerting import outbox, store
from alerting.channels import FileChannel, SlackChannel
from alerting.engine import step
from alerting.policy import policy_of
from alerting.run import deliver, entries_of, process
from expectations.results import CheckResult, FailingRow
from expectations.rules import load_rules
from warehouse import config as settings
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

WINDOW = Window(START, START + timedelta(days=1))


def result(run_id: str, minute: int, *vaults: str, error: str | None = None) -> CheckResult:
    rows = tuple(
        FailingRow({"vault": v}, {"difference": "-1"}, f"vault {v} lacks 1 base unit \"'\\ {{x}} ≠") for v in vaults
    )
    return CheckResult(
        run_id=run_id,
        rule="escrow_mismatch",
        severity="critical",
        window=WINDOW,
        evaluated_at=WINDOW.end + timedelta(minutes=minute),
        outcome="error" if error else "failed" if rows else "passed",
        rows=rows,
        runbook="escrow-mismatch.md",
        reads_from=None,
        error=error,
    )


@pytest.fixture
def channel_config(config, tmp_path):
    """A configuration with one file channel of this test's own."""
    return config.model_copy(
        update={
            "embedded": settings.Embedded(home=tmp_path),
            "channels": [settings.FileChannel(type="file", name="local", path="out.ndjson")],
        }
    )


@pytest.fixture
def run(ops, channel_config, clock):
    """process() of results of one run; the engine looks at the time of the evaluation, or a little later."""

    def take(*results: CheckResult, **options):
        clock.now = max(clock.now, results[0].evaluated_at)
        return process(results, WINDOW, channel_config, ops, results[0].run_id, clock, **options)

    return take


def received(channel_config) -> list[dict]:
    path = channel_config.embedded.home / "out.ndjson"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def titles(channel_config) -> list[str]:
    return [line["text"].split(" - ")[0] for line in received(channel_config)]


def rows(client, table: str) -> list[dict]:
    return [dict(row) for row in client.query(f"select * from ops.{table} order by 1, 2").result()]


def test_an_alert_is_told_once_and_resolved_once(ops, run, channel_config):
    first = run(result("run-1", 0, VAULT))
    assert [alert.labels for alert in first.raised] == [{"vault": VAULT}]
    assert (first.notifications.sent, first.notifications.errors) == (1, ())

    again = run(result("run-2", 10, VAULT))
    assert (again.raised, again.resolved, again.notifications.sent) == ((), (), 0)
    assert [alert.last_seen_at for alert in again.open] == [WINDOW.end + timedelta(minutes=10)]

    done = run(result("run-3", 20))
    assert [alert.labels for alert in done.resolved] == [{"vault": VAULT}]
    assert (done.open, done.notifications.sent) == ((), 1)

    assert titles(channel_config) == ["CRITICAL: escrow_mismatch", "RESOLVED: escrow_mismatch"]
    (row,) = rows(ops, "alerts")
    assert (row["state"], row["opened_at"], row["resolved_at"]) == (
        "resolved", WINDOW.end, WINDOW.end + timedelta(minutes=20),
    )  # fmt: skip
    assert row["summary"] == f"vault {VAULT} lacks 1 base unit \"'\\ {{x}} ≠"
    assert json.loads(row["labels"]) == {"vault": VAULT}
    assert json.loads(row["figures"]) == {"difference": "-1"}
    assert (row["runbook"], row["run_id"], row["window_start"], row["window_end"]) == (
        "escrow-mismatch.md", "run-1", WINDOW.start, WINDOW.end,
    )  # fmt: skip


def test_processing_the_same_run_again_changes_nothing(ops, run, channel_config):
    run(result("run-1", 0, VAULT, "other"))
    before = rows(ops, "alerts"), rows(ops, "notifications"), received(channel_config)
    run(result("run-1", 0, VAULT, "other"))
    assert (rows(ops, "alerts"), rows(ops, "notifications"), received(channel_config)) == before


def test_a_second_outbreak_is_a_new_alert_with_news_of_its_own(ops, run, channel_config):
    for minute, vaults in ((0, [VAULT]), (10, []), (20, [VAULT])):
        run(result(f"run-{minute}", minute, *vaults))
    assert [row["state"] for row in sorted(rows(ops, "alerts"), key=lambda row: row["opened_at"])] == [
        "resolved",
        "firing",
    ]
    assert titles(channel_config) == [
        "CRITICAL: escrow_mismatch", "RESOLVED: escrow_mismatch", "CRITICAL: escrow_mismatch",
    ]  # fmt: skip
    assert len({line["notification_id"] for line in received(channel_config)}) == 3


def test_a_check_that_cannot_be_evaluated_keeps_the_alert_open(ops, run, channel_config):
    run(result("run-1", 0, VAULT))
    summary = run(result("run-2", 10, error="Table not found"))
    assert sorted(alert.rule for alert in summary.open) == ["check_error", "escrow_mismatch"]
    assert run(result("run-3", 20)).open == ()
    assert sorted(titles(channel_config)) == [
        "CRITICAL: check_error", "CRITICAL: escrow_mismatch", "RESOLVED: check_error", "RESOLVED: escrow_mismatch",
    ]  # fmt: skip


class Dies(RuntimeError):
    """The process ends here."""


class DyingChannel:
    """Dies before or after its channel took the notification."""

    def __init__(self, channel: FileChannel, when: str) -> None:
        self.name, self._channel, self._when = channel.name, channel, when

    def send(self, message) -> None:
        if self._when == "after":
            self._channel.send(message)
        raise Dies


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_the_delivery_loses_nothing_and_doubles_nothing(ops, run, channel_config, clock, when):
    file = FileChannel("local", channel_config.embedded.home / "out.ndjson")
    with pytest.raises(Dies):
        run(result("run-1", 0, VAULT), channels={"local": DyingChannel(file, when)})
    (row,) = rows(ops, "notifications")
    assert (row["state"], row["attempts"]) == ("sending", 0)
    assert run(result("run-1", 0, VAULT)).notifications.sent == 0  # its lease holds
    clock.now = row["lease_until"]
    assert run(result("run-1", 0, VAULT)).notifications.sent == 1
    assert [row["state"] for row in rows(ops, "notifications")] == ["sent"]
    assert titles(channel_config) == ["CRITICAL: escrow_mismatch"]


def decided(ops, config, now, *results: CheckResult):
    """What would be written for results: the held state, the next one, the notifications and their entries."""
    policy = policy_of(config, load_rules())
    held = store.load(ops, now)
    after, notifications = step(held.state, results, now, policy)
    return held, after, notifications, entries_of(notifications, config, policy)


def test_alert_and_notifications_are_written_together_or_not_at_all(ops, channel_config, monkeypatch):
    whole = outbox._row
    monkeypatch.setattr(outbox, "_row", lambda *args: {**whole(*args), "queued_at": "not a time"})
    with pytest.raises(BadRequest):
        store.save(ops, *decided(ops, channel_config, WINDOW.end, result("run-1", 0, VAULT)), WINDOW.end, "run-1")
    tables = ("alerts", "notifications", "alert_events")
    assert [rows(ops, table) for table in tables] == [[], [], []]
    assert [row["version"] for row in rows(ops, "alert_engine")] == [0]


def test_a_failing_channel_keeps_its_own_and_the_next_one_stands_in(ops, channel_config, clock):
    entries = [
        settings.WebhookChannel(type="slack_webhook", name="oncall", url_env="SLACK_WEBHOOK_URL"),
        settings.FileChannel(type="file", name="local", path="out.ndjson"),
    ]
    both = channel_config.model_copy(update={"channels": entries})
    first = process([result("run-1", 0, VAULT)], WINDOW, both, ops, "run-1", clock)
    assert first.notifications.errors == ("channel oncall: SLACK_WEBHOOK_URL is not set",)
    assert first.notifications.sent == 2
    assert titles(channel_config) == ["CRITICAL: escrow_mismatch"] * 2
    own, other = received(channel_config)
    key = rows(ops, "alerts")[0]["alert_key"]
    assert own["notification_id"] == f"{key}:firing:2026-10-06T00:00:00Z"
    assert other["notification_id"] == f"{key}:firing~oncall:2026-10-06T00:00:00Z"
    note = "Channel oncall didn't take this notification; it is told here instead"
    assert note in json.dumps(other)
    assert note not in json.dumps(own)
    states = {
        (row["channel"], row["instead_of"]): (row["state"], row["attempts"]) for row in rows(ops, "notifications")
    }
    assert states == {("local", None): ("sent", 1), ("oncall", None): ("failed", 1), ("local", "oncall"): ("sent", 1)}

    with receiving() as receiver:
        webhook = SlackChannel(entries[0], {"SLACK_WEBHOOK_URL": receiver.url}.get)
        assert deliver(ops, both, clock, {"oncall": webhook}).sent == 1
        assert deliver(ops, both, clock, {"oncall": webhook}).sent == 0
    assert [body["text"].split(" - ")[0] for body in receiver.bodies()] == ["CRITICAL: escrow_mismatch"]
    (row,) = [row for row in rows(ops, "notifications") if row["channel"] == "oncall"]
    assert (row["state"], row["attempts"], row["error"]) == ("sent", 2, None)


def test_a_channel_that_left_the_configuration_says_so(ops, run, channel_config):
    summary = run(result("run-1", 0, VAULT), channels={})
    assert summary.notifications.errors == ("channel local: is not in the configuration",)


def test_what_is_told_names_its_alert_and_opening(ops, run, channel_config):
    run(result("run-1", 0, VAULT))
    (row,), (line,) = rows(ops, "notifications"), received(channel_config)
    (alert,) = rows(ops, "alerts")
    assert row["notification_id"] == line["notification_id"] == f"{alert['alert_key']}:firing:2026-10-06T00:00:00Z"
    assert row["dedup_key"] == line["dedup_key"] == f"{alert['alert_key']}:2026-10-06T00:00:00Z"


def test_two_runs_at_once_raise_one_alert_and_queue_one_notification(ops, channel_config, clock):
    now = WINDOW.end + timedelta(minutes=4)  # after each of the evaluations: all of them have something to tell
    seen = [decided(ops, channel_config, now, result(f"run-{n}", n, VAULT)) for n in range(4)]
    lost = []

    def write(change) -> None:
        try:
            store.save(ops, *change, now, "run")
        except store.ConcurrentChange:
            lost.append(change)

    threads = [threading.Thread(target=write, args=(change,)) for change in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (alert,), (notification,) = rows(ops, "alerts"), rows(ops, "notifications")
    assert len(lost) == 3
    assert notification["alert_key"] == alert["alert_key"]
    assert notification["notification_id"].startswith(f"{alert['alert_key']}:firing:")
    assert {row["event"] for row in rows(ops, "alert_events")} == {"firing", "told:firing"}


def test_whole_processes_at_once_decide_anew_and_send_once(ops, channel_config, clock):
    failures = []

    def take(n: int) -> None:
        try:
            process([result(f"run-{n}", n, VAULT)], WINDOW, channel_config, ops, f"run-{n}", clock)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert titles(channel_config) == ["CRITICAL: escrow_mismatch"]
    assert [(row["state"], row["attempts"]) for row in rows(ops, "notifications")] == [("sent", 1)]
    assert len(rows(ops, "alerts")) == 1


def test_the_same_change_written_twice_is_there_once(ops, channel_config):
    change = decided(ops, channel_config, WINDOW.end, result("run-1", 0, VAULT))
    store.save(ops, *change, WINDOW.end, "run-1")
    with pytest.raises(store.ConcurrentChange):
        store.save(ops, *change, WINDOW.end, "run-1")
    assert [len(rows(ops, table)) for table in ("alerts", "notifications")] == [1, 1]


def test_many_alerts_of_a_rule_are_told_in_batches(ops, run, channel_config):
    summary = run(result("run-1", 0, *(f"vault{n:03}" for n in range(250))))
    assert (len(summary.raised), len(summary.open), summary.notifications.sent) == (250, 250, 3)
    assert titles(channel_config) == [
        "CRITICAL: escrow_mismatch (100 alerts)", "CRITICAL: escrow_mismatch (100 alerts)",
        "CRITICAL: escrow_mismatch (50 alerts)",
    ]  # fmt: skip
    assert len(rows(ops, "alerts")) == 250
    done = run(result("run-2", 10))
    assert (len(done.resolved), done.open, done.notifications.sent) == (250, (), 3)
    assert {row["settled"] for row in rows(ops, "alerts")} == {True}


def test_results_of_another_run_are_refused(run):
    with pytest.raises(ValueError, match="another run or window: escrow_mismatch"):
        run(result("run-1", 0, VAULT), result("run-2", 0))
