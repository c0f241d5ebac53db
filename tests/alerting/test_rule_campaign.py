"""The campaign over rules and alert engine in short; CAMPAIGN=1 runs 100 clean days and 400 scenarios with faults."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rule_campaign import Campaign, Scenario, scenarios, table
from rule_scenarios import requests, window_of

from expectations.results import load_results, worst
from expectations.run import evaluate
from ingestion.tables import ensure_tables
from warehouse.client import bigquery_client
from warehouse.config import Embedded, load_config

CLEAN, FAULTS = (100, 400) if os.environ.get("CAMPAIGN") else (1, 5)


@pytest.fixture(scope="module")
def campaign(embedded, tmp_path_factory) -> Campaign:
    """A campaign in a project and a home of its own."""
    home = tmp_path_factory.mktemp("rule-campaign")
    config = load_config().model_copy(update={"project": "rule-campaign", "embedded": Embedded(home=home)})
    client = bigquery_client(config)
    ensure_tables(client)
    return Campaign(client, config, home)


def test_every_fault_is_found_at_once_and_told_once_and_nothing_else_is(campaign):
    chosen = scenarios(CLEAN, FAULTS, 1, campaign.config)
    tallies, done = campaign.run(chosen)
    assert done == len(chosen)
    assert {rule: tally.notes for rule, tally in tallies.items() if not tally.is_good} == {}
    assert sum(tally.faults for tally in tallies.values()) == sum(tally.detected for tally in tallies.values()) > 0
    assert sum(tally.told for tally in tallies.values()) == sum(tally.needed for tally in tallies.values())
    print("\n".join(table(tallies)))


def test_each_row_has_its_own_severity_and_keeps_it_in_the_record(campaign):
    day, rule = datetime(2001, 1, 1, tzinfo=UTC), campaign.rules["latency"]
    spans = [day + timedelta(hours=12, minutes=minute) for minute in (0, 5, 10)]
    rows = [requests(at, 10, 3001) for at in spans] + [{**requests(at, 10, 2001), "endpoint": "/slow"} for at in spans]
    campaign.marts.replace_day(day, {"marts.api_requests_5min": rows})
    results = evaluate([rule], window_of(day), campaign.config, campaign.client, "severities", lambda: day)
    (result,) = results
    assert {row.labels["endpoint"]: row.severity for row in result.rows} == {"/pay": "high", "/slow": "medium"}
    assert result.severity == "high"
    assert load_results(campaign.client, "severities", [rule]) == results
    alone = replace(result, rows=result.rows[1:])
    assert worst(alone.rows, rule.severity) == "medium"


def test_scenarios_are_the_same_for_the_same_seed_and_can_be_shared_out(campaign):
    def brief(chosen: list[Scenario]) -> list[tuple]:
        return [(item.kind, [str(case) for case in item.cases], item.crash_at) for item in chosen]

    whole = brief(scenarios(0, 60, 7, campaign.config))
    assert whole == brief(scenarios(0, 60, 7, campaign.config))
    assert whole == brief(scenarios(0, 30, 7, campaign.config)) + brief(scenarios(0, 30, 7, campaign.config, first=30))
    assert whole != brief(scenarios(0, 60, 8, campaign.config))
    assert {kind for kind, _, _ in whole} == {"single", "several", "late", "crash"}
