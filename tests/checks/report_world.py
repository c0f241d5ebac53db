"""A small warehouse for report and summary: two days, two mints, two currencies, two sources, one open alert."""

from __future__ import annotations

from checks_data import SKILL, SKILL_VAULT, USDC, VAULT
from google.cloud import bigquery
from marts import MARTS
from tables import empty_ops, insert, make

TOKENS = {
    USDC: {"symbol": "USDC", "decimals": 6, "vault": VAULT},
    SKILL: {"symbol": "SKILL", "decimals": 9, "vault": SKILL_VAULT},
}
DAYS = ("2026-10-05", "2026-10-06")

OUTSTANDING = {
    ("2026-10-05", USDC): 1_000_000_001,
    ("2026-10-06", USDC): 90_071_992_547_409_931,
    ("2026-10-05", SKILL): 5_000_000_000,
    ("2026-10-06", SKILL): 7_000_000_001,
}
FEES = {
    ("2026-10-05", USDC): 2_500_000,
    ("2026-10-06", USDC): 123_456,
    ("2026-10-05", SKILL): 1,
    ("2026-10-06", SKILL): 0,
}
NET = {("2026-10-05", "eur"): 123_45, ("2026-10-06", "eur"): -5, ("2026-10-05", "jpy"): 98_765}


def build(client: bigquery.Client, *, stripe: bool = True) -> None:
    """Makes every mart and fills every ops table that the report reads."""
    empty_ops(client)
    rows = {mart: [] for mart in MARTS}
    for (day, mint), outstanding in OUTSTANDING.items():
        token = TOKENS[mint]
        key = {"mint": mint, "symbol": token["symbol"], "decimals": token["decimals"]}
        rows["marts.escrow_balances_daily"].append(
            {
                **key,
                "balance_date": day,
                "vault": token["vault"],
                "outstanding": outstanding,
                "open_escrows": 3,
                "as_of_slot": 300_000_000 + int(day[-1]),
                "as_of_time": f"{day}T23:00:00Z",
            }
        )
        fee = FEES[day, mint]
        rows["marts.money_daily"].append(
            {
                **key,
                "activity_date": day,
                "deposits": 10 * fee,
                "entry_volume": 8 * fee,
                "prize_volume": 7 * fee,
                "fee_revenue": fee,
                "refunds": 0,
                "withdrawals_amount": 2 * fee,
                "withdrawals_count": 4,
                "net_deposits": 8 * fee,
            }
        )
    for mint, token in TOKENS.items():
        held = OUTSTANDING["2026-10-06", mint]
        off = 1 if mint == USDC else 0
        rows["marts.escrow_reconciliation"].append(
            {
                "mint": mint,
                "symbol": token["symbol"],
                "decimals": token["decimals"],
                "vault": token["vault"],
                "method": "token_balances",
                "slot": 300_000_009,
                "observed_at": "2026-10-06T23:59:00Z",
                "vault_balance": held - off,
                "ledger_balance": held,
                "ledger_difference": -off,
            }
        )
    continuity = {"to_slot": 300_000_009, "open_breaks": 0, "result": "proved"}
    usdc = {"account": VAULT, "account_kind": "vault", "kind": "token", "mint": USDC, "symbol": "USDC", "decimals": 6}
    closing = OUTSTANDING["2026-10-06", USDC]
    rows["marts.chain_continuity"] += [
        {**continuity, **usdc, "closing_amount": closing, "reported_amount": closing - 1, "result": "broken",
         "open_breaks": 2},
        {**continuity, "account": VAULT, "account_kind": "vault", "kind": "native", "decimals": 9, "result": "open",
         "closing_amount": 2_039_280},
        {**continuity, "account": SKILL_VAULT, "account_kind": "vault", "kind": "token", "mint": SKILL,
         "symbol": "SKILL", "decimals": 9, "closing_amount": 0, "reported_amount": 0},
    ]  # fmt: skip
    for day, created, free in (("2026-10-05", 40, 15), ("2026-10-06", 41, 16)):
        counts = {"created": created, "paid": created - free, "free": free, "completed": 30, "cancelled": 2}
        rows["marts.matches_daily"].append({"match_date": day, **counts})
    for (day, currency), net in NET.items() if stripe else ():
        rows["marts.stripe_daily"].append(
            {
                "activity_date": day,
                "currency": currency,
                "decimals": 0 if currency == "jpy" else 2,
                "gross": net + 50,
                "refunds": 30,
                "dispute_amount": 0,
                "fees": 20,
                "net": net,
                "payouts": 0,
                "charges_succeeded": 3,
                "failed_payments": 1,
                "disputes_opened": 0,
                "disputes_won": 0,
                "disputes_lost": 0,
            }
        )
    rows["marts.warehouse_health"].append({"source": "solana", "newest_event_at": "2026-10-06T23:58:30Z"})
    _sections(rows)
    _outside(rows)
    for mart, columns in MARTS.items():
        texts = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows[mart]]
        make(client, mart, columns, texts)
    _operations(client)


def _sections(rows: dict[str, list[dict]]) -> None:
    """Transactions of two days, one in a scope of its own; tiers of one day; a platform without an exchange."""
    for day, scope, failures in (("05", "all", 1), ("06", "all", 0), ("06", "program", 7)):
        rows["marts.chain_transactions_daily"].append(
            {"transaction_date": f"2026-10-{day}", "scope": scope, "program_id": "p", "instruction": "i",
             "transactions": 1234, "failures": failures, "success_rate_numerator": 1234 - failures,
             "success_rate_denominator": 1234, "fee_lamports_total": 9_007_199_254_740_993, "fee_lamports_p95": 5000}
        )  # fmt: skip
    for tier, users in (("0", 30), ("2", 12)):
        rows["marts.compliance_daily"].append(
            {"state_date": "2026-10-06", "kyc_tier": tier, "users": users, "frozen_users": users // 10}
        )
    rows["marts.warehouse_metric_status"] += [
        {"metric": "M19", "source": "firebase", "state": "not_on_platform"},
        {"metric": "M3", "source": "solana", "state": "late"},
        {"metric": "M16", "source": "firebase", "state": "current"},
    ]


def _outside(rows: dict[str, list[dict]]) -> None:
    """A copy of each daily mart's rows on the days before and after the window, with figures that would show."""
    dates = {
        "escrow_balances_daily": "balance_date",
        "matches_daily": "match_date",
        "chain_transactions_daily": "transaction_date",
        "compliance_daily": "state_date",
    }
    for mart, present in rows.items():
        column = dates.get(mart.removeprefix("marts."), "activity_date")
        copies = [{**row, column: day} for row in present[:1] if column in row for day in ("2026-10-04", "2026-10-07")]
        present += copies


WINDOW = {"window_start": "2026-10-05T00:00:00Z", "window_end": "2026-10-07T00:00:00Z"}
ELSEWHERE = (
    {"window_start": "2026-10-04T00:00:00Z", "window_end": "2026-10-05T00:00:00Z"},
    {"window_start": "2026-10-07T00:00:00Z", "window_end": "2026-10-08T00:00:00Z"},
)
"""The windows that touch the report's on either side; nothing of them belongs on its page."""


def _operations(client: bigquery.Client) -> None:
    insert(client, "ops.objects", _objects())
    insert(client, "raw.quarantine", _quarantine())
    insert(client, "ops.check_results", _checks())
    insert(client, "ops.alerts", _alerts())


def _objects() -> list[dict]:
    loaded = {"state": "loaded", "loaded_at": "2026-10-07T00:10:00Z", "dataset": "d"}
    solana = {"source": "solana", "rows_loaded": 1200, "rows_quarantined": 0, "size_bytes": 2048}
    firebase = {"source": "firebase", "rows_loaded": 34, "rows_quarantined": 1, "size_bytes": 10}
    cloudflare = {"source": "cloudflare", "rows_loaded": 9, "rows_quarantined": 1, "size_bytes": 10}
    other = [{"uri": f"gs://l/other{n}", **cloudflare, **loaded, **window} for n, window in enumerate(ELSEWHERE)]
    return [
        {"uri": "gs://l/1", **solana, **loaded, **WINDOW},
        {"uri": "gs://l/2", **firebase, **loaded, **WINDOW},
        *other,
    ]


def _quarantine() -> list[dict]:
    row = {
        "source": "firebase",
        "dataset": "auth_export",
        "reason": "the object is <no> JSON",
        "raw_base64": "c2VjcmV0",
    }
    other = [{"reason_code": "elsewhere", "_object_uri": f"gs://l/other{n}", **row} for n in range(len(ELSEWHERE))]
    return [{"reason_code": "not_json", "_object_uri": "gs://l/2", **row}, *other]


def _checks() -> list[dict]:
    mismatch = '[{"labels": {}, "figures": {}, "summary": "Vault off by -0.000001 USDC"}]'
    failed = {"outcome": "failed", "failures": 1, "detail": mismatch}
    fine = {"outcome": "passed", "failures": 0, "detail": "[]"}
    broken = {"outcome": "error", "failures": 0, "detail": '[{"error": "no rows to judge"}]'}
    now, before = {"evaluated_at": "2026-10-07T00:20:00Z"}, {"evaluated_at": "2026-10-07T00:01:00Z"}
    rows = [
        {"result_id": "r:audit_log_gap", **fine, **now, **WINDOW},
        {"result_id": "r:escrow_mismatch", **failed, **now, **WINDOW},
        {"result_id": "before:escrow_mismatch", **fine, **before, **WINDOW},
        {"result_id": "r:rpc_outage", **broken, **now, **WINDOW},
        *({"result_id": f"other{n}:step_failed", **fine, **now, **window} for n, window in enumerate(ELSEWHERE)),
    ]
    return [{"rule": row["result_id"].split(":")[1], "severity": "critical", **row} for row in rows]


def _alerts() -> list[dict]:
    alert = {
        "rule": "escrow_mismatch",
        "severity": "critical",
        "figures": "{}",
        "runbook": "escrow-mismatch.md",
        "run_id": "r",
        "opened_at": "2026-10-06T00:20:00Z",
        "last_seen_at": "2026-10-07T00:20:00Z",
    }
    over = {"state": "resolved", "resolved_at": "2026-10-06T00:30:00Z"}
    labels = [f'{{"vault": "{name}"}}' for name in "VWXY"]
    still = {"state": "firing", "labels": labels[0], "summary": "Vault off by -0.000001 USDC"}
    was = {**over, "labels": labels[1], "summary": "Vault was off"}
    other = [{**over, "labels": labels[2 + n], "summary": "Elsewhere", **ELSEWHERE[n]} for n in range(2)]
    rows = [{**still, **WINDOW}, {**was, **WINDOW}, *other]
    return [{"alert_key": str(n), **alert, **row} for n, row in enumerate(rows)]
