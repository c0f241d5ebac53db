"""What runbooks say is carried out: their diagnosis on a warehouse with the fault, their verification after the repair.

Three faults come through the whole pipeline (the run with faults that test_flow judges); the others are planted in the
marts of its copy, as the rows that a build would leave.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_harness import rows, warehouse_of
from google.cloud import bigquery
from runbook_runs import AT, Carried, carry_out, command, environment_of_the_sandbox, plant

from expectations.rules import RUNBOOKS
from reporting.runbooks import runbooks
from sandbox.addresses import USDC_MINT, VAULTS

pytestmark = pytest.mark.xdist_group("flow")

BOOKS = {book.file.removesuffix(".md"): book for book in runbooks(RUNBOOKS)}
VAULT = VAULTS[USDC_MINT]
HOUR, DAY = AT, AT.date()
NEXT = AT + timedelta(hours=1)

PLANTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "api-latency": [
        (
            "marts.api_requests_5min",
            {"bucket_start": NEXT, "endpoint": "/drill", "server_errors": 5, "failed_run_at_end": 5},
        ),
    ],
    "backfill-and-replay": [
        ("marts.chain_coverage", {"address": "0drill", "from_slot": 110, "to_slot": 120, "gap_before_slots": 10}),
    ],
    "chargeback": [
        (
            "marts.stripe_daily",
            {"activity_date": DAY, "currency": "aud", "dispute_rate_numerator": 3, "dispute_rate_denominator": 100},
        ),
    ],
    "check-error": [
        ("ops.check_results", {"rule": "drill", "outcome": "error", "evaluated_at": AT + timedelta(days=999)}),
    ],
    "contract-error-low-balance": [
        (
            "marts.chain_native_balances_hourly",
            {"account": "drill", "account_kind": "fee_payer", "hour_start": HOUR, "closing_lamports": 2000,
             "change_lamports": -1000},
        ),
    ],
    "delivery-lag": [
        ("marts.reconciliation_lag_hourly", {"hour_start": NEXT, "writes": 2, "ledger_lag_p50_ms": 9_000_000}),
        (
            "marts.stripe_webhooks_hourly",
            {"hour_start": NEXT, "deliveries": 9, "failures": 4, "latency_p95_ms": 90_000},
        ),
    ],
    "dispute-and-arbitration": [
        ("marts.chain_events_5min", {"bucket_start": NEXT, "canonical_event": "dispute_opened", "events": 6}),
        (
            "marts.escrow_arbiters",
            {"arbiter": "0drill", "payer_share_numerator": 20, "payer_share_denominator": 20, "is_outside_even": True},
        ),
    ],
    "emergency-pause": [("marts.matches_paused_hourly", {"hour_start": NEXT, "paused_at_end": 7})],
    "exchange-failures": [
        (
            "marts.chain_transactions_5min",
            {"bucket_start": NEXT, "scope": "instruction", "instruction": "drill", "transactions": 100, "failures": 20},
        ),
    ],
    "export-parity": [("marts.firebase_export_parity", {"kind": "documents", "subject": "drill", "missing": 9999})],
    "fee-spike": [
        (
            "marts.chain_transactions_daily",
            {"transaction_date": DAY + timedelta(days=1), "scope": "all", "mean_fee_numerator": 150_000,
             "mean_fee_denominator": 10, "baseline_fee_numerator": 50_000, "baseline_fee_denominator": 10},
        ),
    ],
    "high-fallback-rate": [
        (
            "marts.exchange_hourly",
            {"hour_start": NEXT, "symbol": "USDC", "fallback": 30, "fallback_rate_numerator": 30,
             "fallback_rate_denominator": 100},
        ),
    ],
    "logpush-gap": [
        ("marts.logpush_gaps", {"gap_date": DAY + timedelta(days=1), "dataset": "http_requests", "minutes": 17}),
    ],
    "missing-transaction": [
        ("marts.chain_breaks", {"account": "drill", "state": "open", "account_kind": "0drill", "amount": -5}),
    ],
    "object-rewritten": [
        ("ops.objects", {"uri": "drill/2", "origin_uri": "drill", "replaces": "drill/1", "rows_loaded": 4,
                         "landed_at": AT + timedelta(days=999)}),
        ("ops.objects", {"uri": "drill/1", "origin_uri": "drill", "rows_loaded": 6}),
    ],
    "pending-stale": [("marts.chain_pending", {"signature": "drill", "state": "pending", "age_minutes": 9999})],
    "provider-disagreement": [
        (
            "marts.rpc_disagreements",
            {"disagreement_date": DAY + timedelta(days=1), "provider": "beta", "signatures": 3, "listing_omissions": 3},
        ),
    ],
    "schema-changed": [
        (
            "ops.schema_changes",
            {"source": "stripe", "dataset": "charges", "field": "drill", "change": "new_field", "records": 3,
             "_landed_at": AT + timedelta(days=999)},
        ),
    ],
    "settlement-failed": [
        ("marts.escrow_settlements", {"match_id": "drill", "kind": "unpaid", "amount": 70, "failed_since": NEXT}),
    ],
    "source-silent": [
        ("marts.warehouse_metric_status", {"metric": "M99", "source": "0drill", "state": "late"}),
    ],
    "step-failed": [
        ("ops.attempts", {"step": "transform", "outcome": "failed", "detail": "drill",
                          "started_at": AT + timedelta(days=999)}),
    ],
    "traffic-change": [
        (
            "marts.users_daily",
            {"activity_date": DAY + timedelta(days=1), "daily_active": 10, "mean_daily_active_numerator": 210,
             "mean_daily_active_denominator": 7},
        ),
    ],
    "withdrawal-spike": [
        (
            "marts.money_hourly",
            {"hour_start": NEXT, "symbol": "USDC", "withdrawals_count": 900, "withdrawals_users": 2,
             "same_hour_mean_count_numerator": 70, "same_hour_mean_denominator": 7},
        ),
    ],
}  # fmt: skip
"""Runbook -> rows that its fault leaves: (table, what matters of the row)."""

SHOWN: dict[str, list[tuple[int, dict[str, Any]]]] = {
    # Through the pipeline: a base unit moved, an audit record dropped, a provider down.
    "escrow-mismatch": [
        (1, {"vault": VAULT, "ledger_difference": -1, "offchain_difference": -1, "ledger_offchain_difference": 0}),
        (3, {"vault": VAULT, "on_chain": -1, "decoded": None}),
    ],
    "audit-log-gap": [
        (1, {"kind": "sequence_gap", "stream": "accounts", "occurrences": 1}),
        (5, {"kind": "sequence_gap", "stream": "platform/accounts", "occurrences": 1, "state": "open"}),
    ],  # its mitigation explains the gap, as the evidence's query shows further down
    "rpc-outage": [(2, {"provider": "alpha", "outcome": "http_error", "error_code": "503"})],
    "incident-response": [
        (1, {"status": "investigating"}),
        *((2, {"rule": rule, "severity": "critical"}) for rule in ("audit_log_gap", "escrow_mismatch", "rpc_outage")),
    ],
    "daily-weekly-monthly-checks": [
        (1, {"rule": "escrow_mismatch"}),
        (2, {"rule": "rpc_outage", "outcome": "failed"}),
        (2, {"rule": "pending_stale", "outcome": "passed"}),
        (10, {"stream": "platform/accounts", "days_without_seal": 0}),
    ],
    "postmortem-template": [(2, {"rule": "audit_log_gap", "resolved_at": None})],
    "evidence-for-an-audit": [
        (1, {"stream": "platform/accounts"}),
        (3, {"stream": "platform/accounts", "state": "explained", "decided_by": "compliance-owner"}),
    ],
    "treasury-key-rotation": [(1, {"account": VAULT, "account_kind": "vault"})],
    "storage-growth": [(1, {"source": "solana", "dataset": "transactions"})],
    # Planted in the marts.
    "api-latency": [(1, {"endpoint": "/drill", "failed_run_at_end": 5})],
    "backfill-and-replay": [(1, {"address": "0drill", "gap_before_slots": 10})],
    "chargeback": [(3, {"currency": "aud", "disputes": 3, "charges": 100, "rate_percent": 3.0})],
    "check-error": [(1, {"rule": "drill"})],
    "contract-error-low-balance": [(1, {"account": "drill", "spent_in_24_hours": 1000, "hours_left": 48.0})],
    "coverage-gap": [(1, {"address": "0drill", "gap_from_slot": 100, "gap_to_slot": 109})],
    "delivery-lag": [
        (1, {"ledger_lag_p50_ms": 9_000_000}),
        (2, {"deliveries": 9, "failures": 4, "latency_p95_ms": 90_000}),
        (4, {"queue": "matchmaking:paid"}),  # the sandbox's own, as is what follows
        (5, {"logged_by": "audit", "collection": "ledger", "code": "PERMISSION_DENIED"}),
    ],
    "dispute-and-arbitration": [
        (1, {"canonical_event": "dispute_opened", "events": 6}),
        (5, {"arbiter": "0drill", "is_outside_even": True}),
    ],
    "emergency-pause": [(2, {"paused_at_end": 7})],
    "exchange-failures": [(1, {"instruction": "drill", "success_percent": 80.0})],
    "export-parity": [(1, {"subject": "drill", "missing": 9999})],
    "fee-spike": [(1, {"mean_fee": 15_000, "baseline_fee": 5_000})],
    "high-fallback-rate": [(1, {"fallback_percent": 30.0})],
    "logpush-gap": [(1, {"dataset": "http_requests", "minutes": 17})],
    "missing-transaction": [(1, {"account_kind": "0drill", "amount": -5})],
    "object-rewritten": [(1, {"origin_uri": "drill", "rows_loaded": 4, "rows_before": 6})],
    "pending-stale": [(1, {"signature": "drill", "age_minutes": 9999})],
    "provider-disagreement": [(1, {"provider": "beta", "signatures": 3})],
    "schema-changed": [(1, {"field": "drill", "change": "new_field", "records": 3})],
    "settlement-failed": [
        (1, {"match_id": "drill", "kind": "unpaid", "amount": 70}),
    ],
    "solana-outage": [(1, {"provider": "alpha"}), (1, {"provider": "beta"})],
    "source-silent": [(2, {"source": "0drill", "state": "late", "metrics": 1})],
    "step-failed": [(1, {"step": "transform", "outcome": "failed", "detail": "drill"})],
    "traffic-change": [(4, {"daily_active": 10, "mean_of_7_days": 30.0})],
    "withdrawal-spike": [(1, {"withdrawals_count": 900, "withdrawals_users": 2, "usual_count": 10.0})],
}
"""Runbook -> what queries of its diagnosis must show: (number of the query, values of one of its rows)."""

THROUGH_THE_PIPELINE = {
    "escrow-mismatch": "escrow_mismatch",
    "audit-log-gap": "audit_log_gap",
    "rpc-outage": "rpc_outage",
}
"""Runbook -> rule of the faults that a run brought."""

NOTHING_TO_SHOW = {"runbook-stale", "restore-from-cold", "retention-hold-erasure"}
"""Their queries run; what they would show isn't a fault of the sandbox."""

ALSO_MITIGATED = {"audit-log-gap", "emergency-pause", "evidence-for-an-audit"}
"""Runbooks whose mitigation is carried out too, on the copy: it touches nothing but the warehouse."""


REPAIRS = ("python -m audit policy apply --lock", "python -m audit archive --as-of 2026-12-31")
"""What a person has done before the verifications of retention-hold-erasure and restore-from-cold."""


def _names(home: Path, client: bigquery.Client, bundle: Path) -> dict[str, str]:
    """What a person puts in for the names in capitals."""
    window = json.loads((home / "sandbox" / "state.json").read_text())["window"]
    (match,) = rows(client, "select min(escrow_id) as id from marts.escrow_ledger")
    (record,) = rows(client, "select min(record_id) as id from audit.leaves")
    (finding,) = rows(client, "select min(finding_id) as id from marts.audit_gap_log")
    return {
        "START": window["start"], "END": window["end"], "DAY": window["end"][:10], "ADDRESS": VAULT, "VAULT": VAULT,
        "OLD_ADDRESS": VAULT, "MATCH": match["id"], "RECORD_ID": record["id"], "FINDING": finding["id"] or "",
        "BUNDLE": str(bundle), "2020-01": "2026-10",
    }  # fmt: skip


@contextmanager
def _opened(home: Path) -> Iterator[bigquery.Client]:
    before = dict(os.environ)
    with warehouse_of(home) as client:
        os.environ.update(environment_of_the_sandbox())
        yield client
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def unrepaired() -> dict[str, Carried]:
    """Filled by `in_trouble`: the verifications of the faults that came through the pipeline, before the repair."""
    return {}


@pytest.fixture(scope="module")
def in_trouble(faulty, unrepaired, tmp_path_factory) -> dict[str, Carried]:
    """Each runbook's diagnosis, carried out while its fault is there; then, where it is harmless, its mitigation."""
    with _opened(faulty) as client:
        names = _names(faulty, client, tmp_path_factory.mktemp("bundle") / "before")
        unrepaired |= {name: carry_out(BOOKS[name], ["Verification"], client, names) for name in THROUGH_THE_PIPELINE}
        for planted in PLANTED.values():
            for table, values in planted:
                plant(client, table, **values)
        parts = {name: ["Diagnosis", *(["Mitigation"] if name in ALSO_MITIGATED else [])] for name in BOOKS}
        return {name: carry_out(book, parts[name], client, names) for name, book in BOOKS.items()}


@pytest.fixture(scope="module")
def repaired(healed, tmp_path_factory) -> dict[str, Carried]:
    """Each runbook's verification, carried out after the repair."""
    with _opened(healed) as client:
        names = _names(healed, client, tmp_path_factory.mktemp("bundle") / "after")
        carry_out(BOOKS["evidence-for-an-audit"], ["Mitigation"], client, names)  # its verification reads the bundle
        for line in REPAIRS:
            assert command(line, names)[0] == 0, line
        known: dict[str, tuple[int, str]] = {}
        return {name: carry_out(book, ["Verification"], client, names, known) for name, book in BOOKS.items()}


def _holds(row: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Numbers as numbers, whatever their type."""
    return all(row[key] is None if value is None else row[key] == value for key, value in expected.items())


def _refused(carried: Carried, part: str, allowed: tuple[int, ...] = (0,)) -> str:
    """The commands of the part that ended otherwise, with what they printed."""
    wrong = [done for done in carried.commands(part).values() if done.exit_code not in allowed]
    return "\n".join(f"{done.code}: exit {done.exit_code}\n{done.output}" for done in wrong)


@pytest.mark.parametrize("name", BOOKS)
def test_the_diagnosis_shows_the_fault(in_trouble, name):
    carried = in_trouble[name]
    assert (name in SHOWN) != (name in NOTHING_TO_SHOW)
    for number, expected in SHOWN.get(name, []):
        found = carried.rows("Diagnosis", number)
        assert any(_holds(row, expected) for row in found), (number, expected, found[:5])
    assert not _refused(carried, "Diagnosis", allowed=(0, 1))  # 1: what it looks for is there


@pytest.mark.parametrize(("name", "rule"), THROUGH_THE_PIPELINE.items())
def test_the_verification_fails_while_the_fault_is_there(in_trouble, unrepaired, name, rule):
    ended = {line: done.exit_code for line, done in unrepaired[name].commands("Verification").items()}
    assert ended[f'python -m expectations run --start "$START" --end "$END" --rule {rule}'] == 1
    assert ended.get("python -m alerting list", 0) == 0


@pytest.mark.parametrize("name", sorted(ALSO_MITIGATED))
def test_a_mitigation_on_the_warehouse_can_be_carried_out(in_trouble, name):
    assert in_trouble[name].commands("Mitigation")
    assert not _refused(in_trouble[name], "Mitigation")


@pytest.mark.parametrize("name", BOOKS)
def test_the_verification_passes_after_the_repair(repaired, name):
    assert not _refused(repaired[name], "Verification")


def test_queries_of_the_verification_show_the_repair(repaired):
    gone = {name: repaired[name].rows("Verification", 1) for name in ("treasury-key-rotation", "emergency-pause")}
    assert gone == {"treasury-key-rotation": [], "emergency-pause": []}
    log = repaired["audit-log-gap"].rows("Verification", 1)
    assert {row["stream"]: row["missing"] for row in log} == dict.fromkeys([row["stream"] for row in log], 0)
    assert "accounts" in {row["stream"] for row in log}
    coverage, proofs = (repaired["solana-outage"].rows("Verification", number) for number in (1, 2))
    assert {row["gap_before_slots"] or 0 for row in coverage} == {0}
    assert {row["result"] for row in proofs} == {"proved"}


def test_what_is_not_carried_out_has_a_reason(in_trouble, repaired, capsys):
    left = {(name, *item) for carried in (in_trouble, repaired) for name, of in carried.items() for item in of.left}
    with capsys.disabled():
        print("\nof the runbooks, not carried out here:")
        for name, code, reason in sorted(left):
            if not code.startswith("make run"):
                print(f"  {name}: {code}  ({reason})")
    assert all(reason for _, _, reason in left)
