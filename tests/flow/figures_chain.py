"""M1, M2, M6, M7 and M8 of the warehouse against the sandbox's ground truth: every figure of every row, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from flow_harness import rows
from google.cloud import bigquery

Cells = dict[tuple[str, str], dict[str, int | str | None]]
"""(day, hour or bucket; key) -> figures by column."""


def differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """A line for each row or figure that isn't the truth's; `truth` is the parsed truth.json."""
    found: list[str] = []
    for mart, (bucket, key, figures, expected) in _marts(truth).items():
        told = expected()
        assert len(told) > 3, mart
        held: Cells = {}
        for row in rows(client, f"select * from marts.{mart}"):
            held[_name(row[bucket]), key(row)] = {name: _plain(row[name]) for name in figures}
        assert len(figures) > 1
        for cell in sorted(told.keys() | held.keys()):
            if told.get(cell) != held.get(cell):
                found.append(f"{mart} {cell}: {_unlike(told.get(cell), held.get(cell))}")
    return found


def _marts(truth: Mapping[str, Any]) -> dict[str, tuple[str, Callable, tuple[str, ...], Callable[[], Cells]]]:
    """mart -> (its bucket, its row's key, its figures, what they should be)."""
    transactions = (*_COUNTS, *_AMOUNTS)
    hourly = (*transactions, "transactions_24h", "failures_24h")
    return {
        "chain_transactions_5min": ("bucket_start", _call, _COUNTS[:2], lambda: _of_calls(truth["five_minutes"])),
        "chain_transactions_hourly": ("hour_start", _call, hourly, lambda: _of_calls(truth["hours"])),
        "chain_transactions_daily": ("transaction_date", _call, transactions, lambda: _of_calls(truth["days"])),
        "chain_events_5min": ("bucket_start", _kind, ("events", "reverted"), lambda: _of_kinds(truth["five_minutes"])),
        "chain_events_hourly": ("hour_start", _kind, _KINDS, lambda: _of_kinds(truth["hours"], _KINDS)),
        "chain_events_daily": ("event_date", _kind, _KINDS, lambda: _of_kinds(truth["days"], _KINDS)),
        "chain_confirmations_hourly": ("hour_start", lambda _: "", _TIMES, lambda: _of_hours(truth)),
        "chain_native_balances_hourly": (
            "hour_start",
            lambda row: row["account"],
            _NATIVE,
            lambda: _of_accounts(truth),
        ),
    }


_COUNTS = ("transactions", "failures", "success_rate_numerator", "success_rate_denominator")
_SPREAD = ("total", "min", "p50", "p95", "p99", "max")
_AMOUNTS = (
    *(f"fee_lamports_{name}" for name in _SPREAD),
    *("mean_fee_numerator", "mean_fee_denominator"),
    *("baseline_fee_numerator", "baseline_fee_denominator", "baseline_days"),
    *(f"compute_units_{name}" for name in _SPREAD),
    *("mean_compute_units_numerator", "mean_compute_units_denominator"),
)
_KINDS = (
    *("events", "reverted", "escrows_created", "escrows_cancelled"),
    *("cancellation_rate_numerator", "cancellation_rate_denominator", "disputes_opened"),
)
_NATIVE = ("account_kind", "opening_lamports", "closing_lamports", "change_lamports", "transactions")


_TIMES = (
    *("confirmed", "expired", "mean_confirmation_numerator", "mean_confirmation_denominator"),
    *(f"confirmation_{name}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
)


def _call(row: Mapping[str, Any]) -> str:
    return f"{row['scope']} {row['program_id']} {row['instruction']}"


def _kind(row: Mapping[str, Any]) -> str:
    return row["canonical_event"]


def _account(row: Mapping[str, Any]) -> str:
    return row["account"]


def _of_calls(cells: Mapping[str, Any]) -> Cells:
    found: Cells = {}
    for at, told in cells.items():
        for key, counts in told.get("M1", {}).items():
            figures = dict(counts)
            if "M2" in told:
                figures |= _rates(counts) | _amounts(told["M2"][key])
            found[at, key] = figures
    return found


def _rates(counts: Mapping[str, int]) -> dict[str, int]:
    well = counts["transactions"] - counts["failures"]
    return {"success_rate_numerator": well, "success_rate_denominator": counts["transactions"]}


def _amounts(told: Mapping[str, Any]) -> dict[str, int | None]:
    return {
        **{f"fee_lamports_{name}": told["fee"][name] for name in _SPREAD},
        "mean_fee_numerator": told["fee"]["total"],
        "mean_fee_denominator": told["fee"]["count"],
        "baseline_fee_numerator": told["baseline"]["numerator"],
        "baseline_fee_denominator": told["baseline"]["denominator"],
        "baseline_days": told["baseline"]["days"],
        **{f"compute_units_{name}": told["units"][name] for name in _SPREAD},
        "mean_compute_units_numerator": told["units"]["total"],
        "mean_compute_units_denominator": told["units"]["count"],
    }


def _of_kinds(cells: Mapping[str, Any], figures: tuple[str, ...] = ("events", "reverted")) -> Cells:
    found: Cells = {}
    for at, told in cells.items():
        for kind, counts in told.get("M8", {}).items():
            made = {
                "escrows_created": counts.get("created"),
                "escrows_cancelled": counts.get("cancelled"),
                "cancellation_rate_numerator": counts.get("cancelled"),
                "cancellation_rate_denominator": counts.get("created"),
                "disputes_opened": counts.get("disputes"),
            }
            found[at, kind] = {name: (counts | made)[name] for name in figures}
    return found


def _of_hours(truth: Mapping[str, Any]) -> Cells:
    return {
        (at, ""): {
            **{name: told["M7"][name] for name in ("confirmed", "expired")},
            "mean_confirmation_numerator": told["M7"]["sum_ms"],
            "mean_confirmation_denominator": told["M7"]["confirmed"],
            **{f"confirmation_{name}": told["M7"][name] for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")},
        }
        for at, told in truth["hours"].items()
        if "M7" in told
    }


def _of_accounts(truth: Mapping[str, Any]) -> Cells:
    return {
        (at, account): {
            "account_kind": held["kind"],
            "opening_lamports": held["closing"] - held["change"],
            "closing_lamports": held["closing"],
            "change_lamports": held["change"],
            "transactions": held["transactions"],
        }
        for at, told in truth["hours"].items()
        for account, held in told.get("M6", {}).items()
    }


def _name(at: date | datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(at, datetime) else at.isoformat()


def _plain(value: Any) -> int | str | None:
    return value if value is None or isinstance(value, str) else int(value)


def _unlike(told: Mapping[str, Any] | None, held: Mapping[str, Any] | None) -> str:
    if told is None or held is None:
        return "no such row" if held is None else "a row of nothing"
    return ", ".join(
        f"{name} is {held.get(name)}, not {value}" for name, value in told.items() if held.get(name) != value
    )
