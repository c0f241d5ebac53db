"""The check and alert steps that Airflow's tasks call. The results travel in ops.check_results, not in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

STEP_RULE = "step_failed"
"""Reads ops.attempts; evaluated with the others, and at once when a task fails."""


def _now() -> datetime:
    return datetime.now(UTC)


def run_checks(window: Window, run_id: str) -> str:
    """Evaluate every rule over the window; returns a line that counts the outcomes."""
    from expectations.rules import load_rules
    from expectations.run import evaluate

    config = load_config()
    results = evaluate(load_rules(), window, config, bigquery_client(config), run_id, _now)
    outcomes = [result.outcome for result in results]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("passed", "failed", "error"))


def send_alerts(window: Window, run_id: str) -> str:
    """Turn the run's check results into alerts and notify; returns a line that counts them."""
    from alerting.run import process
    from expectations.results import load_results
    from expectations.rules import load_rules

    config = load_config()
    client = bigquery_client(config)
    summary = process(load_results(client, run_id, load_rules()), window, config, client, run_id, _now)
    return f"{len(summary.raised)} raised, {len(summary.resolved)} resolved, {len(summary.open)} open"


def check_steps(window: Window, run_id: str) -> str:
    """Evaluate the rule on failed steps alone and notify; for Airflow's failure callback."""
    from alerting.run import process
    from expectations.rules import RULES, load_rule
    from expectations.run import evaluate

    config = load_config()
    client = bigquery_client(config)
    own_run = f"{run_id}:failure"  # its record stands beside the run's own evaluation of the same rule
    results = evaluate([load_rule(RULES / f"{STEP_RULE}.yml")], window, config, client, own_run, _now)
    summary = process(results, window, config, client, own_run, _now)
    return f"{len(summary.raised)} raised"
