"""A small warehouse for report and summary: two days, two mints, two currencies, two sources, one open alert."""

from __future__ import annotations

from collections.abc import Callable

from checks_data import SKILL, SKILL_VAULT, USDC, VAULT
from google.cloud import bigquery
from marts import MARTS

from expectations.table import columns_of, typed, unnested

TOKENS = {
    USDC: {"symbol": "USDC", "decimals": 6, "vault": VAULT},
    SKILL: {"symbol": "SKILL", "decimals": 9, "vault": SKILL_VAULT},
}
DAYS = ("2026-10-05", "2026-10-06")

OUTSTANDING = {
    ("2026-10-05", USDC): 1_000_000_001, ("2026-10-06", USDC): 90_071_992_547_409_931,
    ("2026-10-05", SKILL): 5_000_000_000, ("2026-10-06", SKILL): 7_000_000_001,
}  # fmt: skip
FEES = {
    ("2026-10-05", USDC): 2_500_000, ("2026-10-06", USDC): 123_456, ("2026-10-05", SKILL): 1, ("2026-10-06", SKILL): 0,
}  # fmt: skip
NET = {("2026-10-05", "eur"): 123_45, ("2026-10-06", "eur"): -5, ("2026-10-05", "jpy"): 98_765}


def build(client: bigquery.Client, fill: Callable, *, stripe: bool = True) -> None:
    """Makes every mart and ops table that the report reads."""
    rows = {mart: [] for mart in MARTS}
    for (day, mint), outstanding in OUTSTANDING.items():
        token = TOKENS[mint]
        key = {"mint": mint, "symbol": token["symbol"], "decimals": token["decimals"]}
        rows["marts.escrow_balances_daily"].append(
            {**key, "balance_date": day, "vault": token["vault"], "outstanding": outstanding, "open_escrows": 3,
             "as_of_slot": 300_000_000 + int(day[-1]), "as_of_time": f"{day}T23:00:00Z"}
        )  # fmt: skip
        fee = FEES[day, mint]
        rows["marts.money_daily"].append(
            {**key, "activity_date": day, "deposits": 10 * fee, "entry_volume": 8 * fee, "prize_volume": 7 * fee,
             "fee_revenue": fee, "refunds": 0, "withdrawals_amount": 2 * fee, "withdrawals_count": 4, "net_deposits": 8 * fee}
        )  # fmt: skip
    for mint, token in TOKENS.items():
        held = OUTSTANDING["2026-10-06", mint]
        off = 1 if mint == USDC else 0
        rows["marts.escrow_reconciliation"].append(
            {"mint": mint, "symbol": token["symbol"], "decimals": token["decimals"], "vault": token["vault"],
             "method": "token_balances", "slot": 300_000_009, "observed_at": "2026-10-06T23:59:00Z",
             "vault_balance": held - off, "ledger_balance": held, "ledger_difference": -off}
        )  # fmt: skip
    for day, created, free in (("2026-10-05", 40, 15), ("2026-10-06", 41, 16)):
        counts = {"created": created, "paid": created - free, "free": free, "completed": 30, "cancelled": 2}
        rows["marts.matches_daily"].append({"match_date": day, **counts})
    for (day, currency), net in NET.items() if stripe else ():
        rows["marts.stripe_daily"].append(
            {"activity_date": day, "currency": currency, "decimals": 0 if currency == "jpy" else 2, "gross": net + 50,
             "refunds": 30, "dispute_amount": 0, "fees": 20, "net": net, "payouts": 0, "charges_succeeded": 3,
             "failed_payments": 1, "disputes_opened": 0, "disputes_won": 0, "disputes_lost": 0}
        )  # fmt: skip
    rows["marts.warehouse_health"].append({"source": "solana", "newest_event_at": "2026-10-06T23:58:30Z"})
    for mart, columns in MARTS.items():
        fill(
            mart,
            columns,
            [{name: None if value is None else str(value) for name, value in row.items()} for row in rows[mart]],
        )
    _operations(client)


def _operations(client: bigquery.Client) -> None:
    window = {"window_start": "2026-10-05T00:00:00Z", "window_end": "2026-10-07T00:00:00Z"}
    elsewhere = {"window_start": "2026-10-01T00:00:00Z", "window_end": "2026-10-02T00:00:00Z"}
    loaded = {"state": "loaded", "loaded_at": "2026-10-07T00:10:00Z", "dataset": "d"}
    insert(client, "ops.objects", [
        {"uri": "gs://l/1", "source": "solana", "rows_loaded": 1200, "rows_quarantined": 0, "size_bytes": 2048, **loaded, **window},
        {"uri": "gs://l/2", "source": "firebase", "rows_loaded": 34, "rows_quarantined": 1, "size_bytes": 10, **loaded, **window},
        {"uri": "gs://l/3", "source": "cloudflare", "rows_loaded": 9, "rows_quarantined": 0, "size_bytes": 10, **loaded, **elsewhere},
    ])  # fmt: skip
    insert(client, "raw.quarantine", [
        {"quarantine_id": "q1", "source": "firebase", "dataset": "auth_export", "reason_code": "not_json",
         "reason": "the object is <no> JSON", "raw_base64": "c2VjcmV0", "_object_uri": "gs://l/2"},
        {"quarantine_id": "q2", "source": "cloudflare", "dataset": "http_requests", "reason_code": "elsewhere",
         "reason": "of another window", "_object_uri": "gs://l/3"},
    ])  # fmt: skip
    check = {"severity": "critical", "evaluated_at": "2026-10-07T00:20:00Z", "failures": 0, "detail": "[]", **window}
    mismatch = '[{"labels": {}, "figures": {}, "summary": "Vault off by -0.000001 USDC"}]'
    insert(client, "ops.check_results", [
        {"result_id": "r:audit_log_gap", "rule": "audit_log_gap", "outcome": "passed", **check},
        {"result_id": "r:escrow_mismatch", "rule": "escrow_mismatch", "outcome": "failed", **check, "failures": 1, "detail": mismatch},
        {"result_id": "old:escrow_mismatch", "rule": "escrow_mismatch", "outcome": "passed", **check, "evaluated_at": "2026-10-07T00:01:00Z"},
        {"result_id": "r:rpc_outage", "rule": "rpc_outage", "outcome": "error", **check, "detail": '[{"error": "no rows to judge"}]'},
    ])  # fmt: skip
    alert = {
        "rule": "escrow_mismatch", "severity": "critical", "figures": "{}", "runbook": "escrow-mismatch.md", "run_id": "r",
        "last_seen_at": "2026-10-07T00:20:00Z", **window,
    }  # fmt: skip
    insert(client, "ops.alerts", [
        {"alert_key": "a", "labels": '{"vault": "V"}', "state": "firing", "opened_at": "2026-10-07T00:20:00Z",
         "summary": "Vault off by -0.000001 USDC", **alert},
        {"alert_key": "b", "labels": '{"vault": "W"}', "state": "resolved", "opened_at": "2026-10-06T00:20:00Z",
         "resolved_at": "2026-10-06T00:30:00Z", "summary": "Vault was off", **alert},
        {"alert_key": "c", "labels": '{"vault": "X"}', "state": "resolved", "opened_at": "2026-10-01T00:20:00Z",
         "resolved_at": "2026-10-01T00:30:00Z", "summary": "Long ago", **alert, **elsewhere},
    ])  # fmt: skip


def insert(client: bigquery.Client, table: str, rows: list[dict]) -> None:
    """Adds rows to a table; columns that a row lacks are null."""
    columns = columns_of(client, table)
    names = ", ".join(columns)
    client.query(f"insert into {table} ({names}) select {typed(columns)} from {unnested(rows)}").result()
