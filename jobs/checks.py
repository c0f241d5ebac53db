"""The check and alert steps that Airflow's tasks call. The results travel in ops.check_results, not in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

STEP_RULE = "step_failed"
"""Reads ops.attempts; evaluated with the others, and at once when a task fails."""
LATE_RULE = "step_late"
"""Reads ops.attempts; evaluated with the others, and at once when a run misses its deadline."""


def _now() -> datetime:
    return datetime.now(UTC)


def run_checks(window: Window, run_id: str) -> str:
    """Evaluate every rule over the window; returns a line that counts the outcomes."""
    from expectations.results import OUTCOMES
    from expectations.rules import load_rules
    from expectations.run import evaluate

    config = load_config()
    results = evaluate(load_rules(), window, config, bigquery_client(config), run_id, _now)
    outcomes = [result.outcome for result in results]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in OUTCOMES)


def send_alerts(window: Window, run_id: str) -> str:
    """Turn the run's check results into alerts and notify, and let incidents follow; a line that counts them."""
    from alerting.incident_store import keep_up
    from alerting.run import process
    from expectations.results import load_results
    from expectations.rules import load_rules

    config = load_config()
    client = bigquery_client(config)
    summary = process(load_results(client, run_id, load_rules()), window, config, client, run_id, _now)
    incidents = [item for item in keep_up(client, config, _now).incidents if item.status != "resolved"]
    counts = f"{len(summary.raised)} raised, {len(summary.resolved)} resolved, {len(summary.open)} open"
    return f"{counts}, {len(incidents)} incidents"


def advance_alerts() -> str:
    """Escalate, send the digest and what was held back, deliver the outbox; returns a line that counts."""
    from alerting.incident_store import keep_up
    from alerting.run import tick

    config = load_config()
    client = bigquery_client(config)
    summary = tick(config, client, _now)
    keep_up(client, config, _now)
    return f"{summary.notifications.sent} sent, {len(summary.notifications.errors)} not taken, {len(summary.open)} open"


def tell_outside(window: Window, run_id: str) -> bool:
    """Beat to the configured address that the night is through; False where none is configured."""
    from jobs.heartbeat import beat

    return beat(load_config(), window, run_id)


def check_steps(window: Window, run_id: str) -> str:
    """Evaluate the rule on failed steps alone and notify; for Airflow's failure callback."""
    return _check_alone(STEP_RULE, window, f"{run_id}:failure")


def check_lateness(window: Window, run_id: str) -> str:
    """Evaluate the rule on late DAGs alone and notify; for Airflow's deadline callback."""
    return _check_alone(LATE_RULE, window, f"{run_id}:deadline")


def _check_alone(rule: str, window: Window, own_run: str) -> str:
    """Its record stands under a run of its own, beside the run's own evaluation of the same rule."""
    from alerting.incident_store import keep_up
    from alerting.run import process
    from expectations.rules import RULES, load_rule
    from expectations.run import evaluate

    config = load_config()
    client = bigquery_client(config)
    results = evaluate([load_rule(RULES / f"{rule}.yml")], window, config, client, own_run, _now)
    summary = process(results, window, config, client, own_run, _now)
    keep_up(client, config, _now)
    return f"{len(summary.raised)} raised"
