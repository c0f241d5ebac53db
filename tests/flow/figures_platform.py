"""M3, M4, M5, M17, M18 and M22 of the warehouse against the sandbox's ground truth: every figure of every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flow_harness import rows
from google.cloud import bigquery

Cells = dict[tuple[str, str], dict[str, Any]]
"""(day or hour, key) -> figures by column."""

NO_FIGURES = {"symbol", "decimals", "activity_date", "balance_date", "pause_date", "as_of_slot", "as_of_time"}


def differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """A line for each row or figure that isn't the truth's; `truth` is the parsed truth.json."""
    found: list[str] = []
    for mart, (period, keys, expected) in _marts(truth).items():
        assert len(expected) > 3, mart
        held: Cells = {}
        for row in rows(client, f"select * from marts.{mart}"):
            at, key = _name(row[period]), " ".join(str(row[name]) for name in keys)
            kept = {name: value for name, value in row.items() if name not in {period, *keys, *NO_FIGURES}}
            held[at, key] = {name: _plain(value) for name, value in kept.items()}
        for cell in sorted(expected.keys() | held.keys()):
            if expected.get(cell) != held.get(cell):
                found.append(f"{mart} {cell}: {_unlike(expected.get(cell), held.get(cell))}")
    return found


def _marts(truth: Mapping[str, Any]) -> dict[str, tuple[str, tuple[str, ...], Cells]]:
    """mart -> (column of its day or hour, columns of its key beside it, what it should hold)."""
    days, hours = truth["days"], truth["hours"]
    return {
        "money_hourly": ("hour_start", ("mint",), dict(_cells(hours, "M17", "money"))),
        "escrow_outstanding_hourly": ("hour_start", ("vault", "mint"), dict(_cells(hours, "M3", "outstanding"))),
        "matches_paused_hourly": ("hour_start", (), dict(_cells(hours, "M5", "paused", single=True))),
        "escrow_payouts_daily": ("activity_date", ("mint",), dict(_cells(days, "M4", "payouts"))),
        "users_daily": ("activity_date", (), dict(_cells(days, "M18", "users", single=True))),
        "users_retention_daily": ("cohort_date", ("day_number",), dict(_cells(days, "M18", "retention"))),
        "compliance_daily": ("state_date", ("kyc_tier",), dict(_cells(days, "M22", "tiers"))),
        "compliance_withdrawals_daily": (
            "activity_date", ("mint", "kyc_tier"), dict(_cells(days, "M22", "withdrawals"))
        ),
    }  # fmt: skip


def _cells(
    spans: Mapping[str, Any], metric: str, part: str, *, single: bool = False
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Figures of a metric's part; `single`: one a day or hour, without a key."""
    for at, metrics in spans.items():
        told = metrics.get(metric, {}).get(part)
        for key, figures in {"": told}.items() if single and told else (told or {}).items():
            yield (at, key), figures


def _name(at: date | datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(at, datetime) else at.isoformat()


def _plain(value: Any) -> Any:
    """A value as JSON would hold it: amounts as whole text, times as text."""
    if isinstance(value, Decimal):
        return str(value.to_integral_value()) if value == value.to_integral_value() else str(value)
    return _name(value) if isinstance(value, date) else value


def _unlike(told: Mapping[str, Any] | None, held: Mapping[str, Any] | None) -> str:
    if told is None or held is None:
        return "only in the truth" if held is None else "not in the truth"
    return ", ".join(
        f"{name} is {held.get(name)!r}, should be {told.get(name)!r}"
        for name in sorted(told.keys() | held.keys())
        if told.get(name) != held.get(name)
    )
