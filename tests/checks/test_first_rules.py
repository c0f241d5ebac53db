"""The project's rules over marts with one fault each, at and just below the threshold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from checks_data import SKILL, SKILL_VAULT, START, USDC, VAULT
from marts import MARTS, status

from expectations.availability import STATUS
from expectations.rules import load_rules
from expectations.run import evaluate
from warehouse.window import Window, format_instant

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

RULES = {rule.name: rule for rule in load_rules()}


@pytest.fixture
def check(ops, fill, window, config, clock):
    """Evaluates one rule over one mart with these rows; returns its result."""

    def run(name: str, rows: list[dict], over: Window = window, configured=config, states=None):
        rule = RULES[name]
        if rule.mart in MARTS:
            fill(rule.mart, MARTS[rule.mart], rows)
        if rule.needs:
            fill(STATUS, MARTS[STATUS], status(**states or {}))
        (result,) = evaluate([rule], over, configured, ops, "run-1", clock)
        return result

    return run


def vault_row(vault: str = VAULT, mint: str = USDC, balance: int = 1000, **change) -> dict:
    row = {
        "vault": vault,
        "mint": mint,
        "method": "token_balances",
        "slot": 300_860_000,
        "observed_at": "2026-10-08T23:59:50Z",
        "vault_balance": balance,
        "ledger_balance": balance,
        "offchain_balance": balance,
        "in_flight": 0,
        "ledger_difference": 0,
        "offchain_difference": 0,
        "ledger_offchain_difference": 0,
    }
    return {key: None if value is None else str(value) for key, value in {**row, **change}.items()}


BOTH = [vault_row(), vault_row(SKILL_VAULT, SKILL)]


def test_escrow_that_agrees_passes(check):
    assert check("escrow_mismatch", BOTH).outcome == "passed"


@pytest.mark.parametrize("difference", [1, -1])
@pytest.mark.parametrize(
    ("column", "legs"),
    [
        ("ledger_difference", "vault and decoded events"),
        ("offchain_difference", "vault and off-chain ledger"),
        ("ledger_offchain_difference", "decoded events and off-chain ledger"),
    ],
)
def test_a_base_unit_in_any_leg_either_way_is_a_mismatch(check, column, legs, difference):
    result = check("escrow_mismatch", [BOTH[0], vault_row(SKILL_VAULT, SKILL, **{column: difference})])
    (row,) = result.rows
    assert row.labels == {"vault": SKILL_VAULT, "mint": SKILL}
    assert (row.figures["difference"], row.figures["slot"]) == (str(difference), 300_860_000)
    sign = "-" if difference < 0 else ""
    assert row.summary == (
        f"Vault {SKILL_VAULT} is off by {sign}0.000000001 SKILL ({difference} base unit) "
        f"at slot 300860000: {legs} differ"
    )


def test_a_base_unit_out_of_the_vault_names_both_legs_and_both_methods_are_one_alert(check):
    fault = {"ledger_difference": -1, "offchain_difference": -1}
    rows = [BOTH[1], vault_row(**fault), vault_row(**fault, method="live_reading", slot=300_860_007)]
    (row,) = check("escrow_mismatch", rows).rows
    assert row.figures["legs_that_differ"] == "vault and decoded events, vault and off-chain ledger"
    assert (row.figures["slot"], row.figures["method"]) == (300_860_007, "live_reading")


def test_a_leg_without_a_source_takes_no_part_but_a_vault_nobody_compared_is_an_error(check):
    offchain = {"offchain_balance": None, "offchain_difference": None, "ledger_offchain_difference": None}
    assert check("escrow_mismatch", [vault_row(**offchain), BOTH[1]]).outcome == "passed"
    alone = {**offchain, "ledger_balance": None, "ledger_difference": None}
    for rows in ([vault_row(**alone), BOTH[1]], [BOTH[0]], []):
        result = check("escrow_mismatch", rows)
        assert (result.outcome, result.error) == (
            "error",
            "marts.escrow_reconciliation has no rows to judge for this window",
        )


def test_a_platform_without_vaults_has_nothing_to_reconcile(check, config):
    bare = config.model_copy(update={"platform": "openbook_v2"})
    assert check("escrow_mismatch", [], configured=bare).outcome == "passed"


def finding(kind: str, stream: str | None, day: str = "2026-10-05", **change) -> dict:
    row = {
        "finding_date": day,
        "kind": kind,
        "stream": stream,
        "occurrences": 1,
        "happened_at": f"{day}T10:00:00Z",
        **change,
    }
    return {key: None if value is None else str(value) for key, value in row.items()}


GAP = {"from_seq": 7, "to_seq": 7, "missing": "7"}


def test_an_audit_log_without_findings_passes(check):
    assert check("audit_log_gap", []).outcome == "passed"


def test_one_dropped_record_is_one_alert_that_names_stream_and_number(check):
    rows = [finding("sequence_gap", "escrow", **GAP), finding("money_event_without_audit_record", None)]
    (row,) = check("audit_log_gap", rows).rows
    assert row.labels == {"stream": "escrow", "day": "2026-10-05"}
    assert row.figures == {
        "kind": "money_event_without_audit_record, sequence_gap",
        "missing_numbers": "7",
        "missing_records": 1,
        "money_events_without_record": 1,
        "records_without_money_event": 0,
        "chain_breaks": 0,
        "missing_heartbeats": 0,
        "first_at": "2026-10-05T10:00:00Z",
        "last_at": "2026-10-05T10:00:00Z",
    }
    assert row.summary == (
        "Audit stream escrow on 2026-10-05: 1 record missing (number 7); 1 on-chain money event without record"
    )


def test_missing_heartbeats_are_told(check):
    (row,) = check("audit_log_gap", [finding("missing_heartbeat", "payments", occurrences=3)]).rows
    assert row.figures["missing_heartbeats"] == 3
    assert row.summary == "Audit stream payments on 2026-10-05: 3 heartbeats missing"


def test_a_platform_without_the_source_is_neither_a_pass_nor_an_alert(check):
    absent = check("audit_log_gap", [], states={"cloudflare": "off"})
    assert (absent.outcome, absent.error, absent.rows) == ("not_applicable", "M23: cloudflare is off", ())
    elsewhere = check("audit_log_gap", [], states={"cloudflare": "not_on_platform"})
    assert (elsewhere.outcome, elsewhere.error) == ("not_applicable", "M23: the platform has none")


def test_a_late_source_keeps_a_rule_from_passing_but_not_from_failing(check):
    late = check("audit_log_gap", [], states={"cloudflare": "late"})
    assert (late.outcome, late.error) == ("error", "M23: cloudflare is read until 2026-10-04T00:00:00Z only")
    never = check("audit_log_gap", [], states={"cloudflare": "never"})
    assert (never.outcome, never.error) == ("error", "M23: nothing of cloudflare was ever read")
    assert check("audit_log_gap", [finding("broken_link", "escrow")], states={"cloudflare": "late"}).outcome == "failed"


def test_findings_of_streams_and_days_are_alerts_of_their_own(check):
    rows = [
        finding("sequence_gap", "escrow", **GAP),
        finding("sequence_gap", "escrow", from_seq=20, to_seq=22, missing="20-22", occurrences=3),
        finding("broken_link", "payments", from_seq=4, to_seq=4),
        finding("hash_mismatch", "payments", from_seq=5, to_seq=5),
        finding("audit_record_without_money_event", "escrow", day="2026-10-04"),
        finding("sequence_gap", "matches", from_seq=1, to_seq=1, missing="1"),
        finding("money_event_without_audit_record", None),
    ]
    rows = {(row.labels["day"][-2:], row.labels["stream"]): row.figures for row in check("audit_log_gap", rows).rows}
    assert sorted(rows) == [
        ("04", "escrow"),
        ("05", "escrow"),
        ("05", "matches"),
        ("05", "not recorded"),
        ("05", "payments"),
    ]
    assert (rows["05", "escrow"]["missing_numbers"], rows["05", "escrow"]["missing_records"]) == ("7, 20-22", 4)
    assert (rows["05", "payments"]["chain_breaks"], rows["05", "payments"]["missing_numbers"]) == (2, "none")
    assert rows["04", "escrow"]["records_without_money_event"] == 1


def test_findings_are_read_as_far_back_as_the_lookback_and_not_past_the_window(check):
    days = [START + timedelta(days=n) for n in (-93, -92, 0, 1, 2)]
    rows = [finding("hash_mismatch", "escrow", day=day.date().isoformat()) for day in days]
    assert [row.labels["day"] for row in check("audit_log_gap", rows).rows] == [
        "2026-07-05",
        "2026-10-05",
        "2026-10-06",
    ]


def bucket(provider: str, minute: int, calls: int, failures: int, attempt: str = "a", **change) -> dict:
    start = START + timedelta(days=4, minutes=minute)
    row = {
        "window_start": "2026-10-05T00:00:00Z",
        "window_end": "2026-10-06T00:00:00Z",
        "provider": provider,
        "bucket_start": format_instant(start),
        "attempt_id": attempt,
        "calls": calls,
        "failures": failures,
        "http_error_calls": failures,
        "timeout_calls": 0,
        "connection_calls": 0,
        "last_called_at": format_instant(start + timedelta(minutes=1)),
        **change,
    }
    return {key: str(value) for key, value in row.items()}


def failing(result) -> list[str]:
    assert result.outcome in ("passed", "failed"), result.error
    return [row.labels["provider"] for row in result.rows]


def test_an_outage_names_the_provider(check):
    (row,) = check("rpc_outage", [bucket("alpha", 0, 12, 12), bucket("beta", 0, 340, 0)]).rows
    assert row.labels == {"provider": "alpha"}
    assert row.figures == {
        "failures": 12,
        "calls": 12,
        "http_errors": 12,
        "unreachable": 0,
        "failing_providers": 1,
        "failing_since": "2026-10-09T00:00:00Z",
        "last_called_at": "2026-10-09T00:01:00Z",
    }
    assert row.summary == (
        "RPC provider alpha fails: 12 of 12 calls since 2026-10-09 00:00 UTC (1 failing provider in all)"
    )


def test_every_provider_failing_says_so(check):
    rows = check("rpc_outage", [bucket("alpha", 0, 2, 2), bucket("beta", 0, 3, 3)]).rows
    assert [row.figures["failing_providers"] for row in rows] == [2, 2]


@pytest.mark.parametrize(("failures", "expected"), [(10, []), (11, ["alpha"])])
def test_the_failure_rate_must_be_above_the_threshold(check, failures, expected):
    assert failing(check("rpc_outage", [bucket("alpha", 0, 100, failures)])) == expected


def test_only_the_newest_buckets_of_the_sustained_span_count(check, config):
    recovered = [bucket("alpha", 0, 10, 10), bucket("alpha", 5, 10, 0)]
    assert failing(check("rpc_outage", recovered)) == []
    broke = [bucket("alpha", 0, 10, 0), bucket("alpha", 5, 10, 10)]
    assert failing(check("rpc_outage", broke)) == ["alpha"]
    longer = config.model_copy(
        update={"thresholds": config.thresholds.model_copy(update={"rpc_sustained_minutes": 10})}
    )
    answering = [bucket("beta", 0, 10, 0), bucket("beta", 5, 10, 0)]
    assert failing(check("rpc_outage", [*broke, *answering], configured=longer)) == []
    assert failing(check("rpc_outage", broke, configured=longer)) == ["alpha"]  # nobody answers any more
    assert failing(check("rpc_outage", [*broke, bucket("alpha", 10, 9, 9)], configured=longer)) == ["alpha"]


def test_only_the_newest_attempt_on_the_window_counts(check):
    rows = [bucket("alpha", 0, 10, 10, attempt="old"), bucket("alpha", 30, 10, 0, attempt="new")]
    assert failing(check("rpc_outage", rows)) == []
    elsewhere = {"window_start": "2026-10-06T00:00:00Z", "window_end": "2026-10-07T00:00:00Z"}
    assert failing(check("rpc_outage", [rows[0], bucket("alpha", 30, 10, 0, attempt="new", **elsewhere)])) == ["alpha"]


def test_no_calls_at_all_is_an_error_unless_the_chain_is_switched_off(check, config):
    assert check("rpc_outage", []).outcome == "error"
    solana = config.sources.solana.model_copy(update={"enabled": False})
    off = config.model_copy(update={"sources": config.sources.model_copy(update={"solana": solana})})
    assert check("rpc_outage", [], configured=off).outcome == "passed"


@pytest.fixture
def attempt(ops):
    """Writes a row of ops.attempts."""

    def write(outcome: str, minute: int, hours: tuple[int, int] = (0, 24), source: str | None = "stripe") -> None:
        begin, end = (format_instant(START + timedelta(hours=hour)) for hour in hours)
        started = format_instant(START + timedelta(days=1, minutes=minute))
        ops.query(
            "insert into ops.attempts "
            "(attempt_id, step, source, window_start, window_end, started_at, outcome, detail) "
            f"values ('a{minute}', 'land', {f'{source!r}' if source else 'null'}, "
            f"timestamp '{begin}', timestamp '{end}', timestamp '{started}', '{outcome}', "
            f"'{'ConnectionError: refused' if outcome == 'failed' else ''}')"
        ).result()

    return write


def test_a_failed_step_is_an_alert_until_it_succeeds_for_all_of_its_window(check, attempt):
    attempt("failed", 0)
    attempt("failed", 1)
    attempt("failed", 2, source=None)
    attempt("ok", 3, source=None)
    (row,) = check("step_failed", []).rows
    assert row.labels == {"step": "land", "source": "stripe"}
    assert (row.figures["failed_attempts"], row.figures["detail"]) == (2, "ConnectionError: refused")
    assert row.summary == "Step land of stripe failed: ConnectionError: refused"

    attempt("ok", 4, hours=(0, 12))
    assert check("step_failed", []).outcome == "failed"
    attempt("ok", 5, hours=(0, 48))
    assert check("step_failed", []).outcome == "passed"
