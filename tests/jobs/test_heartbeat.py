"""The beat after a night: what is sent, when it is tried again, that its address never shows; and who hears of a run
that is late."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tenacity import wait_none

sys.path.append(str(Path(__file__).parents[1] / "checks"))  # webhook_receiver
from webhook_receiver import SECRET_PATH, receiving

from expectations.rules import RULES, load_rule
from expectations.run import evaluate
from ingestion.attempts import Attempt, record_attempt
from jobs.heartbeat import ATTEMPTS, HeartbeatError, beat
from warehouse.config import load_config
from warehouse.window import Window

DAY = Window(datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC))
NAME = "HEARTBEAT_URL"


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.fixture
def config():
    plain = load_config()
    return plain.model_copy(update={"alerting": plain.alerting.model_copy(update={"heartbeat_url_env": NAME})})


def sent(config, url: str | None) -> bool:
    return beat(config, DAY, "nightly_close:r1", {NAME: url}.get, wait_none())


def test_nothing_is_sent_where_no_variable_is_named(receiver):
    assert load_config().alerting.heartbeat_url_env is None
    assert sent(load_config(), receiver.url) is False
    assert receiver.requests == []


def test_a_beat_says_which_night_is_through(config, receiver):
    assert sent(config, receiver.url) is True
    (request,) = receiver.requests
    assert request["path"] == SECRET_PATH
    assert request["body"] == {
        "project": "escrow-warehouse", "platform": "skill_match", "run_id": "nightly_close:r1",
        "window_start": "2026-10-05T00:00:00Z", "window_end": "2026-10-06T00:00:00Z",
    }  # fmt: skip


def test_it_is_tried_again_when_that_may_help(config, receiver):
    receiver.answers = [(503, {}, "down"), (429, {}, "slowly"), (500, {}, "oh")]
    assert sent(config, receiver.url) is True
    assert [request["status"] for request in receiver.requests] == [503, 429, 500, 200]


@pytest.mark.parametrize(("status", "tries"), [(503, ATTEMPTS), (404, 1), (302, 1)])
def test_an_answer_that_is_no_success_is_an_error(config, receiver, status, tries):
    receiver.usual = (status, {"Location": "http://127.0.0.1:1/"}, "no")
    with pytest.raises(HeartbeatError, match=f"^heartbeat: HTTP {status}$"):
        sent(config, receiver.url)
    assert len(receiver.requests) == tries


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (None, "heartbeat: HEARTBEAT_URL is not set"),
        ("ftp://secret-part", "heartbeat: HEARTBEAT_URL is no web address"),
        ("http://127.0.0.1:1/secret-part", "heartbeat: ConnectError while posting"),
    ],
)
def test_the_address_never_shows(config, caplog, capfd, url, text):
    with caplog.at_level(logging.DEBUG), pytest.raises(HeartbeatError) as error:
        sent(config, url)
    assert str(error.value) == text
    shown = caplog.text + "".join(capfd.readouterr()) + repr(error.value.__cause__)
    assert "secret-part" not in shown


def test_a_beat_that_was_taken_leaves_no_address_in_the_log(config, receiver, caplog):
    with caplog.at_level(logging.DEBUG, logger="jobs"), caplog.at_level(logging.INFO):
        assert sent(config, receiver.url)
    assert "very-secret-part" not in caplog.text


@pytest.fixture(scope="module")
def warehouse(embedded):
    from ingestion.tables import ensure_tables
    from warehouse.client import bigquery_client

    client = bigquery_client(load_config().model_copy(update={"project": "heartbeat-tests"}))
    ensure_tables(client)
    return client


def ran(client, dag: str, end: datetime, outcome: str = "ok") -> None:
    """An attempt of a DAG over the hour that ends at `end`."""
    window = Window(end - timedelta(hours=1), end)
    attempt = Attempt(
        attempt_id=f"{dag}{end}{outcome}", run_id=f"{dag}:r", step="load", source=None, window=window, started_at=end,
        ended_at=end, outcome=outcome, detail="",
    )  # fmt: skip
    record_attempt(client, attempt)


def late(client, at: datetime) -> list[tuple[str, int]]:
    """DAGs that the rule reports in a window of an hour that ends at `at`, and by how many hours."""
    config = load_config()
    limits = config.thresholds.model_copy(
        update={"dag_late_hours": {"ingest_stripe": 1, "ingest_other": 1, "nightly_close": 27}}
    )
    config = config.model_copy(update={"project": "heartbeat-tests", "thresholds": limits})
    window = Window(at - timedelta(hours=1), at)
    (result,) = evaluate([load_rule(RULES / "step_late.yml")], window, config, client, f"run-{at}", lambda: at)
    assert result.outcome == ("failed" if result.rows else "passed"), result.error
    return [(row.labels["dag"], row.figures["late_hours"]) for row in result.rows]


def test_a_dag_that_did_not_run_is_late_after_its_deadline_and_not_before(warehouse):
    warehouse.query("delete from ops.attempts where true").result()
    ran(warehouse, "ingest_stripe", datetime(2026, 10, 5, 12, tzinfo=UTC))
    noon = datetime(2026, 10, 5, 12, tzinfo=UTC)
    assert late(warehouse, noon + timedelta(hours=2)) == []
    ran(warehouse, "ingest_stripe", noon + timedelta(hours=3), "failed")  # what failed is not done
    assert late(warehouse, noon + timedelta(hours=3)) == [("ingest_stripe", 2)]
    ran(warehouse, "ingest_stripe", noon + timedelta(hours=28))
    # One that never ran counts from the first window that anything succeeded for.
    assert late(warehouse, noon + timedelta(hours=28)) == []
    assert late(warehouse, noon + timedelta(hours=29)) == [("nightly_close", 28)]


def test_airflows_deadline_evaluates_the_rule_as_of_the_deadline(monkeypatch):
    from jobs import airflow_support, checks

    asked = []
    monkeypatch.setattr(checks, "_check_alone", lambda *words: asked.append(words))
    context = {
        "dag_run": {"dag_id": "nightly_close", "dag_run_id": "scheduled__1"},
        "deadline": {"id": "d", "deadline_time": "2026-10-06T07:00:00+00:00"},
    }
    airflow_support.alert_when_late(context)
    seven = datetime(2026, 10, 6, 7, tzinfo=UTC)
    assert asked == [("step_late", Window(seven - timedelta(hours=1), seven), "nightly_close:scheduled__1:deadline")]
    assert json.loads(json.dumps(context)) == context
