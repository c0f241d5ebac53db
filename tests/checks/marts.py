"""Columns of the marts that rules and report read, as dbt_project/models/marts declares them."""

from __future__ import annotations

from reporting.contracts import load_contracts
from reporting.metrics import load_metrics
from reporting.sections import SECTIONS


def _columns(text: str) -> dict[str, str]:
    """Names and types, "name TYPE, name TYPE"."""
    return dict(item.split() for item in text.replace("\n", " ").split(","))


MARTS: dict[str, dict[str, str]] = {
    "marts.escrow_reconciliation": _columns("""
        vault STRING, mint STRING, symbol STRING, decimals INT64, method STRING, slot INT64, observed_at
        TIMESTAMP, changed_slot INT64, vault_balance NUMERIC, ledger_balance NUMERIC, offchain_balance
        NUMERIC, in_flight NUMERIC, ledger_difference NUMERIC, offchain_difference NUMERIC,
        ledger_offchain_difference NUMERIC, covered_until TIMESTAMP
    """),
    "marts.escrow_balances_daily": _columns("""
        balance_date DATE, vault STRING, mint STRING, symbol STRING, decimals INT64, escrow_balance NUMERIC,
        holder_balance NUMERIC, opening_outstanding NUMERIC, outstanding NUMERIC, open_escrows INT64,
        oldest_escrow_opened_at TIMESTAMP, as_of_slot INT64, as_of_time TIMESTAMP
    """),
    "marts.money_daily": _columns("""
        activity_date DATE, mint STRING, symbol STRING, decimals INT64, entry_volume NUMERIC, entry_count
        INT64, prize_volume NUMERIC, prize_count INT64, fee_revenue NUMERIC, refunds NUMERIC, refund_count
        INT64, deposits NUMERIC, deposit_count INT64, withdrawals_amount NUMERIC, withdrawals_count INT64,
        withdrawals_users INT64, net_deposits NUMERIC, mean_entry_numerator NUMERIC, mean_entry_denominator
        INT64, as_of_slot INT64, as_of_time TIMESTAMP
    """),
    "marts.matches_daily": _columns("""
        match_date DATE, created INT64, paid INT64, free INT64, paid_share_numerator INT64,
        paid_share_denominator INT64, completed INT64, cancelled INT64, completion_rate_numerator INT64,
        completion_rate_denominator INT64, as_of_time TIMESTAMP
    """),
    "marts.stripe_daily": _columns("""
        activity_date DATE, currency STRING, decimals INT64, gross NUMERIC, refunds NUMERIC, dispute_amount
        NUMERIC, dispute_reversed NUMERIC, fees NUMERIC, other NUMERIC, net NUMERIC, payouts NUMERIC,
        payouts_returned NUMERIC, balance_change NUMERIC, charges_succeeded INT64, failed_payments INT64,
        disputes_opened INT64, disputes_won INT64, disputes_lost INT64, as_of_time TIMESTAMP
    """),
    "marts.audit_gaps": _columns("""
        finding_id STRING, finding_date DATE, kind STRING, stream STRING, from_seq INT64, to_seq INT64,
        missing STRING, signature STRING, action STRING, match_id STRING, mint STRING, symbol STRING, amount
        NUMERIC, occurrences INT64, happened_at TIMESTAMP, detail STRING
    """),
    "marts.rpc_health": _columns("""
        window_start TIMESTAMP, window_end TIMESTAMP, provider STRING, bucket_start TIMESTAMP, attempt_id
        STRING, calls INT64, failures INT64, failure_rate_numerator INT64, failure_rate_denominator INT64,
        ok_calls INT64, null_calls INT64, behind_calls INT64, rpc_error_calls INT64, http_error_calls INT64,
        timeout_calls INT64, connection_calls INT64, invalid_calls INT64, max_latency_ms INT64, last_called_at
        TIMESTAMP
    """),
    "marts.logpush_gaps": _columns("""
        gap_date DATE, dataset STRING, gap_from TIMESTAMP, gap_to TIMESTAMP, minutes INT64, events_seen INT64,
        other_events_seen INT64
    """),
    "marts.chain_continuity": _columns("""
        account STRING, account_kind STRING, kind STRING, mint STRING, symbol STRING, decimals INT64, result
        STRING, from_slot INT64, to_slot INT64, transactions INT64, opening_amount NUMERIC, opening_source
        STRING, closing_amount NUMERIC, reported_amount NUMERIC, reported_slot INT64, difference NUMERIC,
        open_breaks INT64, proved_at TIMESTAMP, proof_id STRING, window_start TIMESTAMP, window_end
        TIMESTAMP
    """),
    "marts.chain_breaks": _columns("""
        break_id STRING, account STRING, account_kind STRING, kind STRING, mint STRING, symbol STRING,
        decimals INT64, after_signature STRING, after_slot INT64, before_signature STRING, before_slot
        INT64, expected_amount NUMERIC, found_amount NUMERIC, amount NUMERIC, found_at TIMESTAMP,
        proofs_listing INT64, repaired_at TIMESTAMP, state STRING, window_start TIMESTAMP, window_end
        TIMESTAMP
    """),
    "marts.chain_coverage": _columns("""
        address STRING, from_slot INT64, to_slot INT64, from_time TIMESTAMP, to_time TIMESTAMP,
        reaches_first BOOL, gap_before_slots INT64, gap_from_time TIMESTAMP, listings INT64, covered_at
        TIMESTAMP
    """),
    "marts.chain_pending": _columns("""
        signature STRING, state STRING, block_date DATE, slot INT64, block_time TIMESTAMP, addresses STRING,
        is_success BOOL, confirmation_status STRING, sightings INT64, first_seen_at TIMESTAMP, last_seen_at
        TIMESTAMP, as_of_time TIMESTAMP, age_minutes INT64
    """),
    "marts.rpc_disagreements": _columns("""
        disagreement_date DATE, provider STRING, window_start TIMESTAMP, window_end TIMESTAMP, signatures
        INT64, listing_omissions INT64, transaction_omissions INT64, found_by_proof INT64, example_signature
        STRING, example_held_by STRING, newest_slot INT64, first_found_at TIMESTAMP, last_found_at TIMESTAMP
    """),
    "marts.firebase_export_parity": _columns("""
        kind STRING, subject STRING, dataset STRING, collection STRING, generation INT64, export_date DATE,
        as_of_time TIMESTAMP, expected INT64, found INT64, quarantined INT64, missing INT64, surplus INT64
    """),
    "marts.warehouse_health": _columns("""
        source STRING, window_start TIMESTAMP, window_end TIMESTAMP, newest_event_date DATE, newest_event_at
        TIMESTAMP, newest_landed_at TIMESTAMP, newest_loaded_at TIMESTAMP, max_load_lag_seconds INT64
    """),
}  # fmt: skip

_OF_THE_REPORT = {"warehouse_metric_status", *(section.mart for section in SECTIONS)}
MARTS |= {
    f"marts.{mart.name}": {name: kind.upper() for name, kind in mart.types.items()}
    for mart in load_contracts()
    if mart.name in _OF_THE_REPORT
}


def status(**states: str) -> list[dict[str, str]]:
    """Rows of marts.warehouse_metric_status: every metric is current, but for sources in `states` (source=state)."""
    return [
        {
            "metric": metric.id,
            "source": source,
            "state": states.get(source, "current"),
            "read_until": "2026-10-04T00:00:00Z",
            "covered_until": "2026-11-01T00:00:00Z",
        }
        for metric in load_metrics()
        for source in metric.sources
    ]
