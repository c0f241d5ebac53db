"""The marts over three hand-written days: exact figures, late and repeated data, and equality with a full refresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dbt_chain import BREAK, FOUND, REPAIRED
from dbt_days import FIRST, SECOND, first_days, later_days
from dbt_world import GRAND, PAYER, SKILL, SKILL_VAULT, USDC, VAULT, World, at

# The fixture builds the models three times: all tests of this module in one process.
pytestmark = pytest.mark.xdist_group("dbt")
D5, D6, D7 = date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)
TABLES = [
    "intermediate.int_escrow__postings",
    "intermediate.int_escrow__balances_daily",
    "intermediate.int_escrow__vault_balances",
    "intermediate.int_escrow__offchain_entries",
    "intermediate.int_matches__lifecycle",
    "intermediate.int_audit__stream_runs",
    "marts.escrow_ledger",
    "marts.escrow_balances",
    "marts.escrow_balances_daily",
    "marts.escrow_reconciliation",
    "marts.money_daily",
    "marts.matches_daily",
    "marts.stripe_daily",
    "marts.audit_gaps",
    "marts.audit_daily",
    "intermediate.int_users__states",
    "intermediate.int_users__activity_daily",
    "intermediate.int_matches__pauses",
    "marts.users_daily",
    "marts.users_retention_daily",
    "marts.compliance_daily",
    "marts.compliance_withdrawals_daily",
    "marts.money_hourly",
    "marts.matches_paused_hourly",
    "marts.escrow_outstanding_hourly",
    "marts.escrow_payouts_daily",
    "marts.escrow_settlements",
    "marts.api_requests_5min",
    "marts.api_requests_hourly",
    "marts.reconciliation_lag_hourly",
    "marts.stripe_webhooks_hourly",
    "marts.rpc_health",
    "marts.rpc_providers_5min",
    "marts.rpc_providers_hourly",
    "marts.rpc_disagreements",
    "marts.chain_confirmations_hourly",
    "marts.chain_events_hourly",
    "marts.chain_native_balances_hourly",
    "marts.chain_transactions_5min",
    "marts.chain_transactions_daily",
    "marts.chain_transactions_hourly",
    "marts.chain_coverage",
    "marts.chain_breaks",
    "marts.chain_continuity",
    "marts.chain_pending",
    "marts.warehouse_health",
]
Table = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def states(load: Callable, dbt: Callable, table: Table, home: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Every table after the first window, after the second, and after a full refresh."""
    world, seen = World(), {}
    held = first_days(world)
    load(world.take())
    load({"ops.objects": [{
        "uri": "gs://landing/a", "source": "solana", "dataset": "transactions", "state": "loaded", "rows_loaded": 12,
        "rows_quarantined": 1, "window_start": FIRST["window_start"], "window_end": FIRST["window_end"],
        "event_dates": '["2026-10-05","2026-10-06"]', "landed_at": "2026-11-01T00:00:00Z",
        "loaded_at": "2026-11-01T00:00:42Z",
    }]})  # fmt: skip
    seen["statuses"] = dbt(["build"], FIRST)
    seen["first"] = {name: table(name) for name in TABLES}
    later_days(world, held)
    load(world.take())
    for state, command in {
        "second": ["build", "--exclude-resource-type", "unit_test", "--exclude", "path:models/staging"],
        "full": ["run", "--exclude", "path:models/staging", "--full-refresh"],
    }.items():
        dbt(command, SECOND | {"models_unchanged": True})
        seen[state] = {name: table(name) for name in TABLES}
        seen[f"{state}_sql"] = {kind: _models_sql(home / "dbt" / "target" / kind) for kind in ("compiled", "run")}
    return seen


def _models_sql(folder: Path) -> dict[str, str]:
    """Model -> its SQL; that of its tests lies in folders that are called as its yml."""
    files = folder.rglob("models/**/*.sql")
    return {path.stem: path.read_text() for path in files if path.parent.suffix != ".yml"}


def pick(rows: list[dict[str, Any]], *columns: str, **where: Any) -> list[tuple[Any, ...]]:
    """Columns of the rows that match, as plain values."""
    matching = [r for r in rows if all(r[name] == value for name, value in where.items())]
    return sorted(
        (tuple(int(v) if isinstance(v, Decimal) else v for v in (r[name] for name in columns)) for r in matching),
        key=str,
    )


def test_every_node_ran_and_every_test_passed(states: dict) -> None:
    assert set(states["statuses"].values()) <= {"success", "pass", "no-op"}
    assert len(states["statuses"]) > 100


def test_a_model_that_reads_itself_makes_its_rows_before_it_deletes_any(states: dict) -> None:
    """Of unchanged models the others' rows go straight in."""
    compiled, ran = states["second_sql"]["compiled"], states["second_sql"]["run"]
    replacing = {name: sql for name, sql in ran.items() if "delete from" in sql}
    reading = {name for name in replacing if f".`{name}`" in compiled[name]}
    assert {"int_escrow__balances_daily", "int_users__states", "chain_transactions_daily"} <= reading
    assert {name for name, sql in replacing.items() if "__dbt_tmp" in sql} == reading
    assert len(replacing) > 50


def test_ledger_balances_and_names_no_user(states: dict) -> None:
    rows = states["first"]["marts.escrow_ledger"]
    assert len(rows) == 2 * 10
    assert sum(r["amount"] for r in rows) == 0
    assert {r["account_id"] for r in rows if r["account_class"] != "escrow"} == {"external", "holder", "treasury"}
    assert pick(rows, "account_class", "amount", "symbol", signature="t5") == [
        ("escrow", -20_000, "USDC"),
        ("escrow", -380_000, "USDC"),
        ("holder", 380_000, "USDC"),
        ("treasury", 20_000, "USDC"),
    ]
    assert pick(rows, "amount", "decimals", signature="t9", leg="to") == [(GRAND, 9)]


def test_escrow_balances_follow_late_data(states: dict) -> None:
    columns = ("balance_date", "escrow_balance", "holder_balance", "outstanding", "open_escrows")
    first, second = (states[name]["marts.escrow_balances_daily"] for name in ("first", "second"))
    assert pick(first, *columns, vault=VAULT) == [
        (D5, 0, 1_480_000, 1_480_000, 0),
        (D6, 100_000, 1_080_007, 1_180_007, 1),
    ]
    assert pick(second, *columns, vault=VAULT) == [
        (D5, 0, 1_480_040, 1_480_040, 0),
        (D6, 100_000, 1_080_047, 1_180_047, 1),
        (D7, 0, 1_180_047, 1_180_047, 0),
    ]
    assert pick(second, *columns, vault=SKILL_VAULT) == [(D6, 0, GRAND, GRAND, 0), (D7, 0, GRAND, GRAND, 0)]


def test_open_escrows_have_an_age(states: dict) -> None:
    # m2 was opened on the 6th at 09:00:00; the newest slot is the SKILL deposit's, two hours later.
    assert pick(states["first"]["marts.escrow_balances"], "escrow_id", "balance", "age_hours", "as_of_slot") == [
        ("m2", 100_000, 2, 220),
        (None, 1_080_007, None, 220),
        (None, GRAND, None, 220),
    ]
    assert pick(states["second"]["marts.escrow_balances"], "escrow_id", "balance", account_class="escrow") == []


def test_money_per_day_and_mint(states: dict) -> None:
    columns = (
        "activity_date", "entry_volume", "entry_count", "prize_volume", "fee_revenue", "refunds", "deposits",
        "withdrawals_amount", "withdrawals_count", "withdrawals_users", "net_deposits", "mean_entry_numerator",
        "mean_entry_denominator",
    )  # fmt: skip
    rows = states["second"]["marts.money_daily"]
    assert pick(rows, *columns, mint=USDC) == [
        (D5, 400_000, 2, 380_000, 20_000, 0, 1_500_040, 0, 0, 0, 1_500_040, 400_000, 2),
        (D6, 100_000, 1, 0, 0, 0, 7, 300_000, 1, 1, -299_993, 100_000, 1),
        (D7, 0, 0, 0, 0, 100_000, 0, 0, 0, 0, 0, 0, 0),
    ]
    assert pick(rows, "activity_date", "deposits", "symbol", mint=SKILL) == [(D6, GRAND, "SKILL")]


def test_matches_per_day(states: dict) -> None:
    columns = ("match_date", "created", "paid", "free", "completed", "cancelled", "completion_rate_denominator")
    assert pick(states["first"]["marts.matches_daily"], *columns) == [(D5, 2, 2, 0, 1, 0, 1), (D6, 2, 1, 1, 1, 1, 2)]
    assert pick(states["second"]["marts.matches_daily"], *columns) == [
        (D5, 2, 2, 0, 1, 0, 1),
        (D6, 2, 1, 1, 1, 1, 2),
        (D7, 0, 0, 0, 0, 1, 1),
    ]


def test_stripe_per_day_and_currency(states: dict) -> None:
    columns = (
        "activity_date", "currency", "decimals", "gross", "dispute_amount", "dispute_reversed", "fees", "net",
        "charges_succeeded", "failed_payments", "disputes_opened", "disputes_won",
    )  # fmt: skip
    assert pick(states["first"]["marts.stripe_daily"], *columns) == [
        (D5, "jpy", 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
        (D5, "usd", 2, 1000, 1000, 0, 1559, -1559, 1, 0, 1, 0),
    ]
    assert pick(states["second"]["marts.stripe_daily"], *columns) == [
        (D5, "jpy", 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
        (D5, "usd", 2, 1000, 1000, 0, 1559, -1559, 1, 0, 1, 1),
        (D7, "usd", 2, 0, 0, 1000, -1500, 2500, 0, 0, 0, 0),
    ]


def test_reconciliation_sees_each_ledger(states: dict) -> None:
    columns = ("vault", "method", "slot", "vault_balance", "ledger_difference", "offchain_difference", "in_flight")
    assert pick(states["first"]["marts.escrow_reconciliation"], *columns) == [
        (SKILL_VAULT, "token_balances", 230, GRAND - 1, -1, -1, 0),
        # slot 210 held two transactions; the booking of t4 moves nothing in the vault, so its absence doesn't show here
        (VAULT, "live_reading", 250, 1_180_007, 0, 0, 0),
        (VAULT, "token_balances", 230, 1_180_007, 0, 0, 0),
    ]
    # The base unit came back; now the deposit of 40 that the chain's balances never showed is off by 40, also at the
    # slot of the day before, which is still the newest live reading.
    assert pick(states["second"]["marts.escrow_reconciliation"], *columns) == [
        (SKILL_VAULT, "token_balances", 310, GRAND, 0, 0, 0),
        (VAULT, "live_reading", 250, 1_180_007, -40, -40, 0),
        (VAULT, "token_balances", 310, 1_180_007, -40, -40, 0),
    ]


def test_audit_gap_opens_and_closes(states: dict) -> None:
    columns = ("kind", "stream", "missing", "signature", "action", "amount", "finding_date")
    gaps, later = (states[name]["marts.audit_gaps"] for name in ("first", "second"))
    assert pick(gaps, *columns) == [
        ("money_event_without_audit_record", None, None, "t2", "deposit", 500_000, D5),
        ("sequence_gap", "escrow", "2", None, None, None, D5),
    ]
    # The record has arrived; what is left is the late deposit, which nobody ever recorded.
    assert pick(later, *columns) == [("money_event_without_audit_record", None, None, "t0", "deposit", 40, D5)]


def test_people_follow_late_documents(states: dict) -> None:
    columns = ("activity_date", "daily_active", "weekly_active", "mean_daily_active_numerator", "new_users")
    columns = (*columns, "registered_users")
    first, second = (states[name]["marts.users_daily"] for name in ("first", "second"))
    assert pick(first, *columns) == [(D5, 2, 2, None, 2, 2), (D6, 4, 4, 2, 1, 3)]
    assert pick(second, *columns) == [(D5, 2, 2, None, 2, 2), (D6, 4, 4, 2, 2, 4), (D7, 0, 4, 6, 0, 4)]
    cohorts = ("cohort_date", "day_number", "cohort_size", "retained_users")
    assert pick(states["first"]["marts.users_retention_daily"], *cohorts, day_number=1) == [
        (D5, 1, 2, 2),
        (D6, 1, 1, None),
    ]
    assert pick(states["second"]["marts.users_retention_daily"], *cohorts, day_number=1) == [
        (D5, 1, 2, 2),
        (D6, 1, 2, 0),
    ]


def test_tiers_follow_late_documents(states: dict) -> None:
    columns = ("state_date", "kyc_tier", "users", "frozen_users", "newly_frozen_users")
    first, second = (states[name]["marts.compliance_daily"] for name in ("first", "second"))
    assert pick(first, *columns) == [
        (D5, "0", 1, 0, 0), (D5, "1", 1, 0, 0), (D6, "1", 2, 0, 0), (D6, "unknown", 1, 0, 0),
    ]  # fmt: skip
    later = [("1", 2, 0, 0), ("2", 1, 0, 0), ("unknown", 1, 0, 0)]
    assert pick(second, *columns) == [
        (D5, "0", 1, 1, 1), (D5, "1", 1, 0, 0), *((day, *told) for day in (D6, D7) for told in later),
    ]  # fmt: skip
    withdrawn = ("activity_date", "kyc_tier", "withdrawals", "users", "amount", "amount_is_suppressed")
    assert pick(states["second"]["marts.compliance_withdrawals_daily"], *withdrawn) == [(D6, "1", 1, 1, None, True)]


def test_hours_follow_late_events(states: dict) -> None:
    first, second = (states[name]["marts.matches_paused_hourly"] for name in ("first", "second"))
    assert (len(first), sum(r["paused_seconds"] for r in first)) == (48, 12 * 3600 + 1800)
    assert (len(second), sum(r["paused_seconds"] for r in second)) == (72, 12 * 3600 + 1800 + 49 * 3600)
    columns = ("paused_at_end", "pause_events", "resume_events", "paused_seconds")
    assert pick(second, *columns, hour_start=at("05 23:00:00")) == [(2, 1, 0, 7200)]
    assert pick(second, *columns, hour_start=at("06 00:00:00")) == [(1, 0, 1, 5400)]
    held = pick(
        states["second"]["marts.escrow_outstanding_hourly"],
        *("outstanding", "open_escrows", "mean_age_seconds_numerator", "as_of_slot"),
        vault=VAULT, hour_start=at("06 09:00:00"),
    )  # fmt: skip
    assert held == [(1_480_040, 1, 3600, 200)]
    moved = ("withdrawals_amount", "deposits", "same_hour_mean_amount_numerator", "same_hour_mean_denominator")
    assert pick(states["second"]["marts.money_hourly"], *moved, mint=USDC, hour_start=at("06 10:00:00")) == [
        (300_000, 7, 0, 1)
    ]


def test_payouts_and_settlements(states: dict) -> None:
    columns = ("activity_date", "payouts", "payout_amount", "time_to_payout_max_seconds", "settlements_due")
    assert pick(states["second"]["marts.escrow_payouts_daily"], *columns, "settlements_missed", mint=USDC) == [
        (D5, 1, 380_000, 0, 1, 0)
    ]
    assert states["second"]["marts.escrow_settlements"] == []


def test_audit_days_follow_what_arrives(states: dict) -> None:
    columns = ("audit_date", "stream", "events", "missing_records", "money_events_without_record")
    first, second = (states[name]["marts.audit_daily"] for name in ("first", "second"))
    assert pick(first, *columns) == [
        (D5, "(not recorded)", 0, 0, 1),
        (D5, "escrow", 5, 1, 0),
        (D6, "escrow", 4, 0, 0),
    ]
    assert pick(second, *columns) == [
        (D5, "(not recorded)", 0, 0, 1),
        (D5, "escrow", 6, 0, 0),
        (D6, "escrow", 4, 0, 0),
        (D7, "escrow", 1, 0, 0),
    ]


def test_failures_go_on_over_midnight_also_when_the_first_of_them_is_late(states: dict) -> None:
    columns = ("hour_start", "requests", "server_errors", "failed_run_max", "failed_run_at_end", "uptime_numerator")
    first, second = (states[name]["marts.api_requests_hourly"] for name in ("first", "second"))
    assert pick(first, *columns) == [
        (at("05 23:00:00"), 1, 0, 0, 0, 1),
        (at("06 00:00:00"), 3, 2, 2, 0, 1),
    ]
    assert pick(second, *columns) == [
        (at("05 23:00:00"), 2, 1, 1, 1, 1),
        (at("06 00:00:00"), 3, 2, 3, 0, 1),  # the line that came late belongs to another day's partition
        (at("07 00:00:00"), 1, 1, 1, 1, 0),
    ]
    short = states["second"]["marts.api_requests_5min"]
    assert pick(short, "bucket_start", "failed_run_max", "failed_run_at_end", request_date=D6) == [
        (at("06 00:00:00"), 2, 2),
        (at("06 00:05:00"), 3, 0),
    ]


def test_bookings_and_deliveries_follow_late_lines(states: dict) -> None:
    lags, deliveries = (states["second"][f"marts.{n}"] for n in ("reconciliation_lag_hourly", "stripe_webhooks_hourly"))
    assert pick(lags, "writes", "ledger_lag_p50_ms", "ledger_lag_max_ms", "ledger_lag_sum_ms") == [
        (2, 4_000, 9_000, 13_000)
    ]
    assert pick(deliveries, "deliveries", "failures", "retries", "latency_p50_ms") == [(2, 1, 1, 122_000)]


def test_baselines_follow_late_transactions(states: dict) -> None:
    baseline = ("baseline_fee_numerator", "baseline_fee_denominator", "baseline_days")
    columns = ("transaction_date", "transactions", *baseline)
    first, second = (states[name]["marts.chain_transactions_daily"] for name in ("first", "second"))
    assert pick(first, *columns, scope="all") == [(D5, 5, None, None, 0), (D6, 5, 25_000, 5, 1)]
    # The late deposit of the 5th is in the baseline of the 6th too, whose own transactions are as they were.
    assert pick(second, *columns, scope="all") == [
        (D5, 6, None, None, 0),
        (D6, 5, 30_000, 6, 1),
        (D7, 2, 55_000, 11, 2),
    ]
    assert pick(second, *columns, scope="instruction") == pick(second, *columns, scope="all")


def test_24_hours_reach_over_midnight(states: dict) -> None:
    hours = pick(states["second"]["marts.chain_transactions_hourly"], "hour_start", "transactions_24h", scope="all")
    assert [count for _, count in sorted(hours)] == [1, 3, 5, 6, 6, 6, 5, 6, 3, 3]


def test_native_balances_are_carried_through_quiet_hours(states: dict) -> None:
    columns = ("hour_start", "opening_lamports", "closing_lamports", "transactions")
    rows = sorted(pick(states["second"]["marts.chain_native_balances_hourly"], *columns, account=PAYER))
    assert len(rows) == 14 + 24 + 24  # from 10:00 of the first day to the end of the third
    assert all(row[1] == before[2] for before, row in pairwise(rows))
    assert (rows[0][1], rows[-1][2], sum(row[3] for row in rows)) == (10**18, 10**18 - 12 * 5000, 12)


def test_an_outage_ends_with_the_next_answer(states: dict) -> None:
    columns = ("hour_start", "provider", "calls", "failures", "outage_ms")
    first, second = (states[name]["marts.rpc_providers_hourly"] for name in ("first", "second"))
    assert [row[2:] for row in pick(first, *columns, provider="alpha")] == [(1, 1, 0)]
    hours = [row[2:] for row in sorted(pick(second, *columns, provider="alpha"))]
    assert hours == [(1, 1, 3_600_000), *[(0, 0, 3_600_000)] * 23, (1, 0, 0)]


def test_rpc_health_is_the_newest_fetch(states: dict) -> None:
    columns = ("attempt_id", "provider", "failure_rate_numerator", "failure_rate_denominator")
    assert pick(states["first"]["marts.rpc_health"], *columns) == [
        ("attempt1", "alpha", 1, 1),
        ("attempt1", "beta", 0, 1),
    ]
    assert pick(states["second"]["marts.rpc_health"], *columns) == [("attempt2", "alpha", 0, 1)]


def test_coverage_grows_together(states: dict) -> None:
    columns = ("address", "from_slot", "to_slot", "reaches_first", "gap_before_slots")
    assert pick(states["first"]["marts.chain_coverage"], *columns) == [
        (PAYER, 0, 100, True, None),
        (PAYER, 103, 250, False, 2),
        (VAULT, 0, 250, True, None),
    ]
    assert pick(states["second"]["marts.chain_coverage"], *columns) == [
        (PAYER, 0, 250, True, None),
        (VAULT, 0, 320, True, None),
    ]


def test_a_break_is_open_until_a_proof_holds_without_it(states: dict) -> None:
    columns = ("break_id", "symbol", "expected_amount", "amount", "found_at", "proofs_listing", "state", "repaired_at")
    known = (BREAK, "USDC", GRAND, -1, FOUND, 2)
    assert pick(states["first"]["marts.chain_breaks"], *columns) == [(*known, "open", None)]
    assert pick(states["second"]["marts.chain_breaks"], *columns) == [(*known, "repaired", REPAIRED)]


def test_continuity_is_the_newest_proof(states: dict) -> None:
    columns = ("account", "kind", "result", "closing_amount", "difference", "open_breaks", "to_slot")
    payer = (PAYER, "native", "proved", 10**18, 0, 0, 250)
    assert pick(states["first"]["marts.chain_continuity"], *columns) == [
        payer,
        (VAULT, "token", "broken", GRAND - 1, 0, 1, 250),
    ]
    assert pick(states["second"]["marts.chain_continuity"], *columns) == [
        payer,
        (VAULT, "token", "proved", GRAND - 1, 0, 0, 320),
    ]


def test_pending_transactions_end_one_way_or_the_other(states: dict) -> None:
    columns = ("signature", "state", "age_minutes", "sightings")
    assert pick(states["first"]["marts.chain_pending"], *columns) == [
        ("p1", "pending", 0, 1),
        ("p2", "pending", 0, 1),
        ("p3", "pending", 0, 1),
    ]
    # 23:59:22 to 00:09:23 is ten minutes and a second.
    assert pick(states["second"]["marts.chain_pending"], *columns) == [
        ("p1", "finalized", 0, 1),
        ("p2", "dropped", 0, 1),
        ("p3", "pending", 10, 2),
    ]


def test_a_disagreement_found_again_is_not_counted_again(states: dict) -> None:
    columns = (
        "disagreement_date", "provider", "window_start", "signatures", "listing_omissions", "transaction_omissions",
        "example_signature",
    )  # fmt: skip
    assert pick(states["first"]["marts.rpc_disagreements"], *columns) == [
        (D5, "alpha", at("05 00:00:00"), 1, 1, 0, "t2")
    ]
    assert pick(states["second"]["marts.rpc_disagreements"], *columns) == [
        (D5, "alpha", at("07 00:00:00"), 1, 1, 0, "t2"),
        (D7, "beta", at("07 00:00:00"), 1, 0, 1, "t10"),
    ]


def test_warehouse_health(states: dict) -> None:
    columns = ("source", "objects", "rows_loaded", "rows_quarantined", "max_load_lag_seconds", "newest_event_date")
    assert pick(states["first"]["marts.warehouse_health"], *columns) == [("solana", 1, 12, 1, 42, D6)]
    assert pick(states["first"]["marts.warehouse_health"], "newest_event_at") == [(at("06 12:00:00"),)]


@pytest.mark.parametrize("name", TABLES)
def test_incremental_equals_full_refresh(states: dict, name: str) -> None:
    assert states["full"][name] == states["second"][name]
