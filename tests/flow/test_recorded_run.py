"""Recorded data through the same interfaces: `make run INPUT=../shared/fixtures PROFILE=openbook_v2`."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from flow_harness import rows, run, warehouse_of

pytestmark = pytest.mark.xdist_group("recorded")


@pytest.fixture(scope="module")
def recorded(fixtures, tmp_path_factory):
    home = tmp_path_factory.mktemp("recorded")
    done = run(home, "--input", str(fixtures), WAREHOUSE_PLATFORM="openbook_v2")
    assert done.returncode == 0, done.stdout + done.stderr
    (own,) = (home / "recorded").iterdir()
    with warehouse_of(own) as client:
        yield client


def expected(fixtures, name: str) -> list[dict]:
    return [
        event
        for event in json.loads((fixtures / "solana" / "expected_events.json").read_text())
        if event["name"] == name
    ]


def test_the_recorded_deposits_reach_the_ledger_with_their_amounts(recorded, fixtures):
    amounts = [
        int(event["data"][field])
        for event in expected(fixtures, "DepositLog")
        for field in ("baseAmount", "quoteAmount")
        if "FAILED" not in event["fixture"]
    ]
    held = rows(
        recorded,
        "select amount from marts.escrow_ledger where canonical_event = 'deposit' and leg = 'to' order by amount",
    )
    assert [row["amount"] for row in held] == sorted(map(Decimal, amounts))


def test_the_failed_transaction_is_kept_as_reverted_and_moves_no_money(recorded, fixtures):
    (failed,) = (event for event in expected(fixtures, "DepositLog") if "FAILED" in event["fixture"])
    reverted = rows(recorded, "select signature, status, data from raw.solana_events where status = 'reverted'")
    (event,) = (row for row in reverted if json.loads(row["data"])["base_amount"] == failed["data"]["baseAmount"])
    assert rows(recorded, f"select 1 from marts.escrow_ledger where signature = '{event['signature']}'") == []


def test_the_withdrawals_are_those_of_the_settlement(recorded, fixtures):
    (settled,) = expected(fixtures, "SettleFundsLog")
    held = rows(recorded, "select amount from marts.escrow_ledger where canonical_event = 'withdrawal' and leg = 'to'")
    assert {row["amount"] for row in held} == {Decimal(settled["data"][key]) for key in ("baseNative", "quoteNative")}


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("stg_stripe__charges", 2),
        ("stg_stripe__disputes", 2),
        ("stg_stripe__balance_transactions", 2),
        ("stg_stripe__payment_intents", 2),
        ("stg_stripe__customers", 1),
        ("stg_stripe__events", 1),
        ("stg_stripe__payouts", 1),
        ("stg_stripe__refunds", 1),
        ("stg_firestore__changes", 5),
        ("stg_firestore__export_documents", 14),
        ("stg_cloud_logging__entries", 62),  # 75 entries; 52 have an insertId, and 39 keys among them
        ("stg_cloudflare__http_requests", 3),
    ],
)
def test_recorded_objects_reach_staging(recorded, table, count):
    (row,) = rows(recorded, f"select count(*) as n from staging.{table}")
    assert row["n"] == count


def test_what_cannot_be_used_is_in_quarantine_with_its_reason(recorded):
    held = rows(recorded, "select dataset, reason_code, count(*) as n from raw.quarantine group by 1, 2 order by 1, 2")
    assert {(row["dataset"], row["reason_code"]): row["n"] for row in held} == {
        ("charges", "wrong_type"): 1,
        ("firestore_changelog", "not_a_changelog_row"): 1,
        ("http_requests", "not_a_request"): 79,
        ("managed_export", "unknown_export"): 1,  # the file of what leveldb-export makes of it
        ("transactions", "log_truncated"): 1,
        ("unusable", "not_an_answer"): 1,
    }
