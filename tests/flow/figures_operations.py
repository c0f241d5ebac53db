"""M10 to M15, M21 and M23 to M25 of the warehouse: every column of every row of their marts, both ways.

What the platform did is compared with the sandbox's ground truth; what the warehouse's own runs did (M24, M25) with its
records of them, added up here a second time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flow_harness import rows
from google.cloud import bigquery

Figures = dict[str, Any]
Cells = dict[tuple[str, ...], Figures]

HOURLY, SHORT = ("hours", "hour_start"), ("five_minutes", "bucket_start")
MARTS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "queue_depth_5min": (*SHORT, "M10", ("queue",)),
    "queue_depth_hourly": (*HOURLY, "M10", ("queue",)),
    "reconciliation_lag_hourly": (*HOURLY, "M11", ()),
    "stripe_webhooks_hourly": (*HOURLY, "M12", ()),
    "firebase_write_errors_hourly": (*HOURLY, "M13", ("logged_by", "collection", "code")),
    "api_requests_5min": (*SHORT, "M14", ("service", "method", "endpoint")),
    "api_requests_hourly": (*HOURLY, "M14", ("service", "method", "endpoint")),
    "api_edge_requests_5min": (*SHORT, "edge", ("host", "method", "endpoint")),
    "api_edge_requests_hourly": (*HOURLY, "edge", ("host", "method", "endpoint")),
    "service_logs_hourly": (*HOURLY, "M15", ("service",)),
    "audit_daily": ("days", "audit_date", "M23", ("stream",)),
}
"""Mart -> the truth's span, the column that names it, the truth's metric, the columns that its key is made of."""

RUN_FACTS = {"warehouse_lag_p50_ms", "warehouse_lag_p95_ms", "warehouse_lag_max_ms"}
OF_EARLIER_NIGHTS = {"sealed_events", "oldest_record_date"}
"""What a night records and seals shows from the next one on; tests/audit and a unit test of the model have them."""
NONE_PLACED = {"legal_holds"}
"""Columns that must be zero."""


def differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """A line for each row or figure that isn't as it should be; `truth` is the parsed truth.json."""
    found = []
    for mart, (span, column, metric, key) in MARTS.items():
        expected = {
            (at, label): figures
            for at, metrics in truth[span].items()
            for label, figures in metrics.get(metric, {}).items()
        }
        held = {
            (_name(row[column]), " ".join(row[name] for name in key)): _figures(row, key)
            for row in rows(client, f"select * from marts.{mart}")
        }
        found += _unequal(mart, expected, held)
    _worth_comparing(truth)
    return [*found, *stripe_differences(client, truth), *run_differences(client), *alert_differences(client)]


def stripe_differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """M21; a rate's parts are among the truth's own figures. The simulated account has no inquiries, nothing that is
    neither payment nor fee nor payout, and no payout that comes back."""
    expected: Cells = {}
    for day, metrics in truth["days"].items():
        for currency, told in metrics.get("M21", {}).items():
            figures = {name: int(value) for name, value in told.items()}
            expected[day, currency] = figures | {
                **dict.fromkeys(("inquiries_opened", "other", "payouts_returned"), 0),
                "balance_change": figures["net"] - figures["payouts"],
                "dispute_rate_numerator": figures["disputes_opened"],
                "dispute_rate_denominator": figures["charges_succeeded"],
                "failure_rate_numerator": figures["failed_payments"],
                "failure_rate_denominator": figures["charges_succeeded"] + figures["failed_payments"],
            }
    held = {
        (_name(row["activity_date"]), row["currency"]): _figures(row, ("currency", "decimals", "as_of_time"))
        for row in rows(client, "select * from marts.stripe_daily")
    }
    return _unequal("stripe_daily", expected, held)


def run_differences(client: bigquery.Client) -> list[str]:
    """M24: the attempts, added up by run, step and source."""
    attempts: defaultdict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows(client, "select * from ops.attempts"):
        attempts[row["run_id"], row["step"], row["source"] or "all"].append(row)
    expected = {key: _run(of_key) for key, of_key in attempts.items()}
    key = ("run_id", "step", "source")
    held = {
        tuple(row[name] for name in key): {name: _plain(value) for name, value in row.items() if name not in key}
        for row in rows(client, "select * from marts.warehouse_runs")
    }
    return _unequal("warehouse_runs", expected, held)


def alert_differences(client: bigquery.Client) -> list[str]:
    """M25: the alerts, by day, rule and severity. A run without any has nothing to compare."""
    sent, waiting = Counter[str](), Counter[str]()
    for row in rows(client, "select * from ops.notifications"):
        alert, _, opened = row["notification_id"].split(":", 2)
        name = f"{alert} {datetime.fromisoformat(opened).astimezone(UTC)}"
        (sent if row["state"] == "sent" else waiting)[name] += 1
    alerts: defaultdict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows(client, "select * from ops.alerts"):
        alerts[_name(row["opened_at"].date()), row["rule"], row["severity"]].append(row)
    expected = {
        key: _alerts(
            of_key, [f"{row['alert_key']} {row['opened_at'].astimezone(UTC)}" for row in of_key], sent, waiting
        )
        for key, of_key in alerts.items()
    }
    held = {
        (_name(row["alert_date"]), row["rule"], row["severity"]): _figures(row, ("rule", "severity"))
        for row in rows(client, "select * from marts.alerts_daily")
    }
    return _unequal("alerts_daily", expected, held, may_be_empty=True)


def _run(attempts: Sequence[Mapping[str, Any]]) -> Figures:
    spent = sum(_ms(row["ended_at"]) - _ms(row["started_at"]) for row in attempts)
    scanned = [row["bytes_scanned"] for row in attempts if row["bytes_scanned"] is not None]
    return {
        "window_start": _plain(min(row["window_start"] for row in attempts)),
        "window_end": _plain(max(row["window_end"] for row in attempts)),
        "started_at": _plain(min(row["started_at"] for row in attempts)),
        "ended_at": _plain(max(row["ended_at"] for row in attempts)),
        "attempts": len(attempts),
        "attempts_failed": sum(row["outcome"] != "ok" for row in attempts),
        "run_ms": spent,
        **{name: sum(row[name] or 0 for row in attempts) for name in ("objects", "rows_loaded", "rows_quarantined")},
        "bytes_scanned": sum(scanned) if scanned else None,
        "as_of_time": _plain(max(row["ended_at"] for row in attempts)),
    }


def _alerts(
    alerts: Sequence[Mapping[str, Any]], names: Sequence[str], sent: Counter[str], waiting: Counter[str]
) -> Figures:
    closed = sorted(_ms(row["resolved_at"]) - _ms(row["opened_at"]) for row in alerts if row["resolved_at"])
    taken = sorted(_ms(row["acknowledged_at"]) - _ms(row["opened_at"]) for row in alerts if row["acknowledged_at"])
    return {
        "opened": len(alerts),
        "resolved": len(closed),
        "still_open": len(alerts) - len(closed),
        "resolve_sum_ms": sum(closed) if closed else None,
        "resolve_p50_ms": closed[(len(closed) - 1) // 2] if closed else None,
        "resolve_max_ms": closed[-1] if closed else None,
        "acknowledged": len(taken),
        "acknowledge_sum_ms": sum(taken) if taken else None,
        "acknowledge_p50_ms": taken[(len(taken) - 1) // 2] if taken else None,
        "acknowledge_max_ms": taken[-1] if taken else None,
        "noise_rate_numerator": sum(ms <= 60_000 for ms in closed),
        "noise_rate_denominator": len(alerts),
        "notifications_sent": sum(sent[name] for name in names),
        "notifications_waiting": sum(waiting[name] for name in names),
        "as_of_time": _plain(
            max(max(filter(None, (row["last_seen_at"], row["resolved_at"], row["acknowledged_at"]))) for row in alerts)
        ),
    }


def _worth_comparing(truth: Mapping[str, Any]) -> None:
    """The simulated days hold what these metrics are about, not just their zeros."""
    hours = truth["hours"].values()
    assert sum(cell["failures"] for hour in hours for cell in hour.get("M12", {}).values()) > 3
    assert sum(cell["slow_queries"] for hour in hours for cell in hour.get("M15", {}).values()) > 20
    assert max(cell["failed_run_max"] for hour in hours for cell in hour.get("M14", {}).values()) == 2


def _figures(row: Mapping[str, Any], key: Iterable[str]) -> Figures:
    """The row's figures, and the partition's day is its span's."""
    assert [name for name in NONE_PLACED & row.keys() if row[name] != 0] == []
    dates = {name for name, value in row.items() if isinstance(value, date) and not isinstance(value, datetime)}
    others = {*key, *dates, *RUN_FACTS, *OF_EARLIER_NIGHTS, *NONE_PLACED, "hour_start", "bucket_start"}
    return {name: _plain(value) for name, value in row.items() if name not in others}


def _unequal(mart: str, expected: Mapping, held: Mapping, may_be_empty: bool = False) -> list[str]:
    assert expected or may_be_empty, f"{mart}: nothing to compare with"
    return [
        f"{mart} {cell}: {_unlike(expected.get(cell), held.get(cell))}"
        for cell in sorted(expected.keys() | held.keys())
        if expected.get(cell) != held.get(cell)
    ]


def _unlike(expected: Figures | None, held: Figures | None) -> str:
    if expected is None or held is None:
        return "missing" if held is None else "is not in the truth"
    names = sorted(n for n in expected.keys() | held.keys() if expected.get(n, "?") != held.get(n, "?"))
    return ", ".join(f"{n} {held.get(n, 'missing')} for {expected.get(n, 'nothing')}" for n in names)


def _name(at: datetime | date) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if isinstance(at, datetime) else at.isoformat()


def _plain(value: Any) -> Any:
    """Numbers as integers, times as the truth writes them."""
    if isinstance(value, Decimal):
        assert value == int(value)
        return int(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _ms(at: datetime) -> int:
    """Milliseconds since the epoch, cut."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
