"""Every kind of gap and mismatch is found, with its amount and its place, and none on clean platforms.

A few seeds a kind here; CAMPAIGN=1 draws 200 of each, in builds of many side by side.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from gap_campaign import FAULTS, Scenario, logpush_objects, normal, scenario, settings
from google.cloud import bigquery

from audit.drift import locate
from audit.reconciliation import Decision, decide, record_findings
from audit.tables import ensure_tables as ensure_audit_tables
from ingestion.tables import ensure_tables, table_schema
from jobs.dbt_build import build_models
from warehouse.client import bigquery_client
from warehouse.config import load_config

pytestmark = pytest.mark.xdist_group("audit_gaps")
CAMPAIGN = bool(os.environ.get("CAMPAIGN"))
ROUNDS, SEEDS = (8, 25) if CAMPAIGN else (1, 2)
MODELS = ["+int_audit__findings", "escrow_drift", "stripe_exceptions", "audit_gap_log", "+escrow_reconciliation"]
MODELS += ["+escrow_match_reconciliation", "stg_audit__findings", "stg_audit__decisions", "stg_warehouse__attempts"]
NOTED = datetime(2026, 11, 2, tzinfo=UTC)
END, NEXT = datetime(2026, 10, 8, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)


class Warehouse:
    """An isolated warehouse of the embedded one, with rows loaded and models built for them."""

    def __init__(self, home: Any, name: str) -> None:
        self.home, self.config = home, load_config().model_copy(update={"project": name})
        self.client = bigquery_client(self.config)
        ensure_tables(self.client)
        ensure_audit_tables(self.client)

    def load(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        bucket = self.home / "gcs" / "gap-rows"
        bucket.mkdir(parents=True, exist_ok=True)
        for name, records in rows.items():
            dataset, table = name.split(".")
            job = bigquery.LoadJobConfig(
                schema=table_schema(table, dataset),
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            )
            lines = "".join(json.dumps(record, default=str) + "\n" for record in records)
            (bucket / f"{self.config.project}-{name}.ndjson").write_text(lines)
            uri = f"gs://gap-rows/{self.config.project}-{name}.ndjson"
            self.client.load_table_from_uri(uri, f"{self.client.project}.{name}", job_config=job).result()

    def build(self, variables: dict[str, Any], as_of: datetime) -> int:
        """Build the models and record what they find; returns the rows added to the log."""
        failures, _ = build_models(self.config, variables | {"models_unchanged": True}, ["--select", *MODELS], "run")
        assert failures == []
        return record_findings(self.client, as_of, "run", NOTED)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.client.query(f"select * from {table}").result()]


def merged(scenarios: list[Scenario]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in scenarios:
        for table, records in one.rows.items():
            rows.setdefault(table, []).extend(records)
    return rows


def draw(seeds: range) -> list[Scenario]:
    kinds = [name for name in FAULTS if name != "missing_minutes"]
    clean = [scenario("clean", seed) for seed in seeds] + [scenario("clean_heartbeat", 500 + seed) for seed in seeds]
    return [scenario(fault, seed) for fault in kinds for seed in seeds] + clean


@pytest.fixture(scope="module")
def built(embedded: Any) -> list[tuple[Warehouse, list[Scenario], set]]:
    """Warehouses with all scenarios of a round, built; and the minutes that Logpush lacks in each."""
    rounds = []
    for number in range(ROUNDS):
        scenarios = draw(range(number * SEEDS, (number + 1) * SEEDS))
        objects, lost = logpush_objects(random.Random(number), SEEDS)
        warehouse = Warehouse(embedded, f"gaps-{number}")
        warehouse.load(merged(scenarios) | {"ops.objects": objects})
        warehouse.build(settings(scenarios), END)
        rounds.append((warehouse, scenarios, lost))
    return rounds


def test_each_fault_is_found_with_its_amount_and_place_and_nothing_else(built: list) -> None:
    for warehouse, scenarios, lost in built:
        found = {normal(row) for row in warehouse.rows("intermediate.int_audit__findings")}
        expected = lost.union(*(one.expected for one in scenarios))
        assert sorted(map(str, found - expected)) == []
        assert sorted(map(str, expected - found)) == []
        assert {kind for _, kind, *_ in expected} >= {"missing_minutes", "clock_back", "paid_twice", "duplicate"}


def test_a_drift_is_what_the_ledgers_differ_by(built: list) -> None:
    for warehouse, scenarios, _ in built:
        ledgers = {row["vault"]: row for row in warehouse.rows("marts.escrow_reconciliation")}
        drifts = warehouse.rows("marts.escrow_drift")
        of_vaults = {(row["vault"], row["kind"]): int(row["amount"]) for row in drifts if row["match_id"] is None}
        platforms = [one for one in scenarios if not one.heartbeat]
        assert len(ledgers) == len(platforms)
        for one in platforms:
            row = ledgers[one.vault]
            assert int(row["ledger_difference"]) == of_vaults.get((one.vault, "chain_against_events"), 0)
            assert int(row["ledger_offchain_difference"]) == of_vaults.get((one.vault, "events_against_books"), 0)
            assert int(row["ledger_difference"]) == one.vault_difference
        matches = {
            row["match_id"]: int(row["difference"]) for row in warehouse.rows("marts.escrow_match_reconciliation")
        }
        of_matches = {row["match_id"]: int(row["amount"]) for row in drifts if row["match_id"]}
        assert {match: difference for match, difference in matches.items() if difference} == of_matches


def test_bisection_finds_the_slots_that_the_mart_names(built: list) -> None:
    warehouse, scenarios, _ = built[0]
    parted = [f for one in scenarios for f in one.expected if f[1] == "chain_against_events"]
    assert len(parted) == 3 * SEEDS
    for _, _, vault, _, amount, slot, signature in parted[:6]:
        found = locate(warehouse.client, vault, date(2026, 10, 7))
        assert (found.slot, found.amount) == (slot, amount)
        assert signature in found.signatures
    clean = next(one for one in scenarios if not one.expected and not one.heartbeat)
    assert locate(warehouse.client, clean.vault, date(2026, 10, 7)) is None


def test_the_logs_hold_each_finding_once_and_a_second_record_adds_nothing(built: list) -> None:
    warehouse, scenarios, lost = built[0]
    assert record_findings(warehouse.client, END, "again", NOTED) == 0
    areas = [area for one in scenarios for area, *_ in one.expected] + ["gap"] * len(lost)
    for area, mart in (("escrow", "escrow_drift"), ("stripe", "stripe_exceptions"), ("gap", "audit_gap_log")):
        rows = warehouse.rows(f"marts.{mart}")
        assert len(rows) == areas.count(area)
        assert {row["state"] for row in rows} == {"open"}
        assert {row["first_found_at"] for row in rows} == {END}


def test_a_decision_shows_in_the_mart_with_its_role(built: list) -> None:
    warehouse, _, _ = built[0]
    chosen = min(row["finding_id"] for row in warehouse.rows("marts.escrow_drift"))
    decide(warehouse.client, chosen, Decision("explain", "timing", "booked later", "finance"), NOTED)
    [row] = [row for row in warehouse.rows("marts.escrow_drift") if row["finding_id"] == chosen]
    assert (row["state"], row["reason"], row["note"], row["decided_by"]) == (
        "explained",
        "timing",
        "booked later",
        "finance",
    )


@pytest.mark.skipif(not CAMPAIGN, reason="a second build; CAMPAIGN=1 runs it")
def test_records_that_come_late_close_their_gaps(built: list) -> None:
    warehouse, scenarios, _ = built[-1]
    held = [record for one in scenarios for record in one.held]
    warehouse.load({"raw.platform_audit_events": held})
    window = {"window_start": END.isoformat(), "window_end": NEXT.isoformat(), "covered_until": NEXT.isoformat()}
    beats = {"audit_heartbeat_minutes": {}}
    days = settings(scenarios)["partitions"] + ["2026-10-08"]
    before = {row["finding_id"]: row for row in warehouse.rows("marts.audit_gap_log")}
    warehouse.build(settings(scenarios) | window | beats | {"partitions": days, "balance_partitions": days}, NEXT)
    after = {row["finding_id"]: row for row in warehouse.rows("marts.audit_gap_log")}
    closed = {row["kind"]: row for name, row in after.items() if name in before and row["state"] == "closed"}
    assert set(closed) == {"sequence_gap", "missing_heartbeat"}
    assert len([row for row in after.values() if row["kind"] == "sequence_gap" and row["state"] == "closed"]) == SEEDS
    assert (closed["sequence_gap"]["cause"], closed["sequence_gap"]["closed_at"]) == ("object_late", NEXT)
