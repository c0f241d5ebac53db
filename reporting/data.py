"""Reads the report's values from the marts and the ops tables, cut to the window's partitions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from alerting.store import alert_of
from reporting.model import (
    Absent,
    Amounts,
    Balance,
    Check,
    Counts,
    Proved,
    Quarantined,
    Reconciled,
    Report,
    Source,
    Unit,
)
from reporting.sections import SECTIONS, fill
from warehouse.config import Config
from warehouse.window import Window

Row = Mapping[str, Any]
SOURCES = ("solana", "stripe", "firebase", "cloudflare")
LAMPORTS = Unit("SOL", "lamports", 9)
MONEY_AMOUNTS = (
    "deposits", "entry_volume", "prize_volume", "fee_revenue", "refunds", "withdrawals_amount", "net_deposits",
)  # fmt: skip
MONEY_COUNTS = ("deposit_count", "entry_count", "prize_count", "refund_count", "withdrawals_count", "withdrawals_users")
MATCH_COUNTS = ("created", "paid", "free", "completed", "cancelled")
STRIPE_AMOUNTS = ("gross", "refunds", "dispute_amount", "fees", "net", "payouts")
STRIPE_COUNTS = ("charges_succeeded", "failed_payments", "disputes_opened", "disputes_won", "disputes_lost")


class Reader:
    """Queries with the window's bounds as parameters. A mart that doesn't exist has no rows and is put in `missing`."""

    def __init__(self, client: bigquery.Client, config: Config, window: Window) -> None:
        self._client = client
        self._config = config
        days = window.days()
        self._parameters = [
            bigquery.ScalarQueryParameter("start", "TIMESTAMP", window.start),
            bigquery.ScalarQueryParameter("end", "TIMESTAMP", window.end),
            bigquery.ScalarQueryParameter("first_day", "DATE", days[0]),
            bigquery.ScalarQueryParameter("last_day", "DATE", days[-1]),
        ]
        self.missing: list[str] = []

    def rows(self, sql: str) -> list[Row]:
        """Rows of a query; it may use @start, @end (TIMESTAMP), @first_day and @last_day (DATE, inclusive)."""
        used = [parameter for parameter in self._parameters if f"@{parameter.name}" in sql]
        job = self._client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=used))
        return [dict(row) for row in job.result()]

    def mart(self, name: str, sql: str) -> list[Row]:
        """Rows of a query over marts.<name>; {table} in it is the table."""
        try:
            return self.rows(sql.format(table=f"marts.{name}"))
        except NotFound:
            self.missing.append(name)
            return []

    def token(self, row: Row) -> Unit:
        """Unit of a row with mint, symbol and decimals; an unknown mint is called by its address's ends."""
        mint, known = row["mint"], self._config.mints.get(row["mint"])
        ends = mint.rpartition(":")[2]
        symbol = row["symbol"] or (known.symbol if known else f"{ends[:4]}…{ends[-4:]}")
        decimals = row["decimals"] if row["decimals"] is not None else known.decimals if known else None
        return Unit(symbol if decimals is not None else f"{symbol} base units", mint, int(decimals or 0))


def read_report(client: bigquery.Client, config: Config, window: Window) -> Report:
    """Everything the report shows for `window`. Raises google.api_core errors when the warehouse can't be read."""
    reader = Reader(client, config, window)
    return Report(
        window=window,
        platform=config.platform,
        sources=_sources(reader),
        reconciled=_reconciled(reader),
        proofs=_proofs(reader),
        balances=_balances(reader),
        money=_money(reader),
        matches=_matches(reader),
        stripe=_stripe(reader),
        sections=[fill(section, reader.mart) for section in SECTIONS],
        absent=_absent(reader),
        checks=_checks(reader),
        alerts=_alerts(reader),
        quarantine=_quarantine(reader),
        missing=sorted(reader.missing),
    )


def _absent(reader: Reader) -> list[Absent]:
    sql = """
        select metric, source, state
        from {table}
        where state <> 'current'
        order by cast(substr(metric, 2) as int64), source
    """
    return [Absent(row["metric"], row["source"], row["state"]) for row in reader.mart("warehouse_metric_status", sql)]


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _integers(row: Row, names: Sequence[str]) -> dict[str, int | None]:
    return {name: _integer(row[name]) for name in names}


def _reconciled(reader: Reader) -> list[Reconciled]:
    sql = "select * from {table} order by symbol, mint, vault, method desc"
    return [
        Reconciled(
            vault=row["vault"],
            unit=reader.token(row),
            method=row["method"],
            slot=int(row["slot"]),
            observed_at=row["observed_at"],
            legs=_integers(row, ("vault_balance", "ledger_balance", "offchain_balance", "in_flight")),
            differences=_integers(row, ("ledger_difference", "offchain_difference", "ledger_offchain_difference")),
        )
        for row in reader.mart("escrow_reconciliation", sql)
    ]


def _proofs(reader: Reader) -> list[Proved]:
    return [
        Proved(
            account=row["account"],
            role=row["account_kind"] or "account",
            kind=row["kind"],
            unit=reader.token(row) if row["mint"] else LAMPORTS,
            result=row["result"],
            slot=int(row["to_slot"]),
            closing=_integer(row["closing_amount"]),
            reported=_integer(row["reported_amount"]),
            open_breaks=int(row["open_breaks"]),
        )
        for row in reader.mart(
            "chain_continuity", "select * from {table} order by kind desc, account_kind desc, account"
        )
    ]


def _balances(reader: Reader) -> list[Balance]:
    sql = (
        "select * from {table} where balance_date between @first_day and @last_day order by balance_date, symbol, vault"
    )
    return [
        Balance(
            day=row["balance_date"],
            vault=row["vault"],
            unit=reader.token(row),
            outstanding=int(row["outstanding"]),
            open_escrows=int(row["open_escrows"]),
            slot=_integer(row["as_of_slot"]),
            at=row["as_of_time"],
        )
        for row in reader.mart("escrow_balances_daily", sql)
    ]


def _money(reader: Reader) -> list[Amounts]:
    sql = (
        "select * from {table} where activity_date between @first_day and @last_day "
        "order by activity_date, symbol, mint"
    )
    return [
        Amounts(row["activity_date"], reader.token(row), _integers(row, MONEY_AMOUNTS), _integers(row, MONEY_COUNTS))
        for row in reader.mart("money_daily", sql)
    ]


def _matches(reader: Reader) -> list[Counts]:
    sql = "select * from {table} where match_date between @first_day and @last_day order by match_date"
    return [Counts(row["match_date"], _integers(row, MATCH_COUNTS)) for row in reader.mart("matches_daily", sql)]


def _stripe(reader: Reader) -> list[Amounts]:
    sql = "select * from {table} where activity_date between @first_day and @last_day order by activity_date, currency"
    return [
        Amounts(
            row["activity_date"],
            Unit(row["currency"].upper(), row["currency"], int(row["decimals"])),
            _integers(row, STRIPE_AMOUNTS),
            _integers(row, STRIPE_COUNTS),
        )
        for row in reader.mart("stripe_daily", sql)
    ]


def _checks(reader: Reader) -> list[Check]:
    rows = reader.rows(
        "select * from ops.check_results where window_start < @end and window_end > @start "
        "qualify row_number() over (partition by rule order by evaluated_at desc, result_id desc) = 1 order by rule"
    )
    return [
        Check(
            rule=row["rule"],
            severity=row["severity"],
            outcome=row["outcome"],
            failures=int(row["failures"]),
            window=Window(row["window_start"], row["window_end"]),
            found=tuple(item.get("summary") or item.get("error", "") for item in json.loads(row["detail"] or "[]")),
        )
        for row in rows
    ]


def _alerts(reader: Reader) -> list[Any]:
    """Alerts whose window meets the report's, and every one that is open: firing first, then the newest."""
    rows = reader.rows(
        "select * from ops.alerts where state in ('firing', 'acknowledged') "
        "or (state = 'resolved' and window_start < @end and window_end > @start) "
        "order by state, opened_at desc, rule, labels"
    )
    return [alert_of(row) for row in rows]


def _sources(reader: Reader) -> list[Source]:
    loaded = reader.rows(
        "select source, count(*) as objects, "
        "sum(if(window_start < @end and window_end > @start, 1, 0)) as window_objects, "
        "sum(if(window_start < @end and window_end > @start, rows_loaded, 0)) as window_rows, "
        "sum(if(window_start < @end and window_end > @start, rows_quarantined, 0)) as window_quarantined, "
        "sum(if(window_start < @end and window_end > @start, size_bytes, 0)) as window_bytes, "
        "max(loaded_at) as newest_loaded_at from ops.objects group by source"
    )
    by_source = {row["source"]: row for row in loaded}
    newest = {row["source"]: row["newest_event_at"] for row in reader.mart("warehouse_health", "select * from {table}")}
    return [
        _source(name, by_source.get(name, {}), newest.get(name)) for name in sorted({*SOURCES, *by_source}, key=_place)
    ]


def _place(source: str) -> tuple[int, str]:
    return (SOURCES.index(source) if source in SOURCES else len(SOURCES)), source


def _source(name: str, row: Row, newest_event_at: Any) -> Source:
    return Source(
        name=name,
        objects=int(row.get("objects") or 0),
        window_objects=int(row.get("window_objects") or 0),
        window_rows=int(row.get("window_rows") or 0),
        window_quarantined=int(row.get("window_quarantined") or 0),
        window_bytes=int(row.get("window_bytes") or 0),
        newest_event_at=newest_event_at,
        newest_loaded_at=row.get("newest_loaded_at"),
    )


def _quarantine(reader: Reader) -> list[Quarantined]:
    rows = reader.rows(
        "select q.source, q.dataset, q.reason_code, min(q.reason) as reason, count(*) as found "
        "from raw.quarantine as q inner join ops.objects as o on q._object_uri = o.uri "
        "where o.window_start < @end and o.window_end > @start "
        "group by q.source, q.dataset, q.reason_code order by q.source, q.dataset, q.reason_code"
    )
    return [
        Quarantined(row["source"], row["dataset"], row["reason_code"], row["reason"] or "", int(row["found"]))
        for row in rows
    ]
