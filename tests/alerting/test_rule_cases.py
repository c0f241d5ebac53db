"""Each rule of the reference at its threshold and just below it, on marts with their contracts' columns."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from rule_marts import Marts, days_from, marts_of
from rule_scenarios import cases, clean, expected, reference, stale_day, window_of

from expectations.rules import RUNBOOKS, load_rules
from expectations.run import failing_rows
from reporting.runbooks import runbooks_reviewed
from warehouse.client import bigquery_client
from warehouse.config import load_config

REFERENCE = {
    *("escrow_mismatch", "audit_log_gap", "rpc_outage", "withdrawal_spike", "low_balance", "error_rate"),
    *("fallback_spike", "api_down", "settlement_failed", "source_silent", "success_rate_drop", "latency"),
    *("endpoint_errors", "fee_spike", "dispute_spike", "chargeback", "pending_stale", "dispute_rate", "arbiter_bias"),
    *("volume_spike", "cancellation_rate", "call_failures", "fallback_rate", "engagement_drop", "reconciliation_lag"),
    *("webhook_latency", "queue_depth", "firebase_errors", "slow_queries", "runbook_stale"),
}
"""The alert rules that were asked for."""
RULES = {rule.name: rule for rule in load_rules()}
APART = 40
"""Days between two cases: more than any rule looks back."""
CONFIG = reference(load_config())
CASES = cases(CONFIG)
DAYS = days_from(date(2010, 1, 1), len(CASES), APART)


def _rows(case, day):
    """What the case's rule reads of its day."""
    world = clean(day, CONFIG) | case.rows(day)
    return {mart: rows for mart, rows in world.items() if mart in marts_of([RULES[case.rule]])}


@pytest.fixture(scope="module")
def marts(embedded):
    """The days of all cases."""
    named = {case.rule for case in CASES} | {"runbook_stale"}
    own = CONFIG.model_copy(update={"project": "rule-cases"})
    client = bigquery_client(own)
    client.create_dataset("marts", exists_ok=True)
    made = Marts(client, marts_of(RULES[name] for name in named))
    made.add_days(_rows(case, day) for case, day in zip(CASES, DAYS, strict=True))
    return made


@pytest.mark.parametrize(("case", "day"), zip(CASES, DAYS, strict=True), ids=[str(case) for case in CASES])
def test_a_rule_fires_at_its_threshold_and_not_below(marts, case, day):
    rule = RULES[case.rule]
    marts.set_state(clean(day, CONFIG) | case.rows(day))
    rows = failing_rows(marts.client, rule, window_of(day), CONFIG)
    found = {tuple(row.labels[name] for name in rule.labels): row.severity or rule.severity for row in rows}
    assert found == expected(case.found, day)
    assert len(rows) == len(found)
    assert all(len(row.summary) > 20 for row in rows)


def test_every_rule_of_the_reference_has_a_case_that_fires_and_one_that_does_not():
    assert {case.rule for case in CASES if case.name.startswith("at")} == REFERENCE - {"runbook_stale"}
    assert {case.rule for case in CASES if case.name.startswith("below")} == REFERENCE - {"runbook_stale"}
    assert set(RULES) >= REFERENCE


def test_a_runbook_is_stale_on_the_day_its_review_is_due_and_not_the_day_before(marts):
    day = stale_day(CONFIG)
    due = {
        review.file
        for review in runbooks_reviewed(RUNBOOKS)
        if review.last_reviewed + timedelta(days=review.review_every_days) <= window_of(day).end.date()
    }
    assert due
    found = failing_rows(marts.client, RULES["runbook_stale"], window_of(day), CONFIG)
    assert {row.labels["runbook"] for row in found} == due
    before = window_of(day - timedelta(days=1))
    assert failing_rows(marts.client, RULES["runbook_stale"], before, CONFIG) == []
