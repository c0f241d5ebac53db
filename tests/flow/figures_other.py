"""M20, M19 and M8 of the warehouse against a simulated platform's truth: every figure of every row, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flow_harness import rows
from google.cloud import bigquery

Cells = dict[tuple[str, ...], dict[str, int]]
"""(day, hour or bucket; key) -> figures by column."""

LIFE = ("created", "funded", "assigned", "completed", "cancelled", "disputed", "resolved")
RULINGS = ("resolved_for_payer", "resolved_for_payee", "resolved_split")


def differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """A line for each row of M20 that isn't the truth's; `truth` is the parsed truth.json."""
    assert sum(told["created"] for day in truth["days"].values() for told in day.get("M20", {}).values()) > 20
    return [
        *unlike(client, "escrow_lifecycle_hourly", ("hour_start", "mint"), _cells(truth["hours"], "M20", _life)),
        *unlike(client, "escrow_lifecycle_daily", ("activity_date", "mint"), _cells(truth["days"], "M20", _life)),
        *_unlike_arbiters(client, truth["arbiters"]),
    ]


def exchange_differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """The same of M19."""
    assert sum(told["requests"] for day in truth["days"].values() for told in day.get("M19", {}).values()) > 20
    day, hour = ("activity_date", "mint"), ("hour_start", "mint")
    failures = _cells(truth["days"], "M19_failures", dict)
    return [
        *unlike(client, "exchange_hourly", hour, _cells(truth["hours"], "M19", _exchange)),
        *unlike(client, "exchange_daily", day, _cells(truth["days"], "M19", _exchange)),
        *unlike(client, "exchange_failures_daily", ("activity_date", "reason"), failures),
    ]


def event_differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """The same of M8, of platforms other than the skill-match one."""
    return [
        *unlike(client, "chain_events_5min", ("bucket_start", "canonical_event"), _kinds(truth["five_minutes"])),
        *unlike(client, "chain_events_hourly", ("hour_start", "canonical_event"), _kinds(truth["hours"])),
        *unlike(client, "chain_events_daily", ("event_date", "canonical_event"), _kinds(truth["days"])),
    ]


def unlike(client: bigquery.Client, mart: str, key: tuple[str, ...], told: Cells) -> list[str]:
    """Lines for the rows of a mart that aren't as told; compared are the columns that the truth tells of a row."""
    assert told, f"nothing to compare with {mart}"
    found = {tuple(_text(row[column]) for column in key): row for row in rows(client, f"select * from marts.{mart}")}
    lines = []
    for cell in sorted(told.keys() | found.keys()):
        row, figures = found.get(cell), told.get(cell)
        if row is None or figures is None:
            lines.append(f"{mart} {cell}: told {figures}, held {row and dict(row)}")
            continue
        wrong = {name: (value, row[name]) for name, value in figures.items() if row[name] != value}
        if wrong:
            lines.append(f"{mart} {cell}: (told, held) of {wrong}")
    return lines


def _cells(buckets: Mapping[str, Any], metric: str, figures: Callable[[Mapping[str, Any]], dict[str, int]]) -> Cells:
    return {
        (bucket, key): figures(told)
        for bucket, metrics in buckets.items()
        for key, told in metrics.get(metric, {}).items()
    }


def _life(told: Mapping[str, int]) -> dict[str, int]:
    ended = told["completed"] + told["cancelled"]
    rulings = dict(zip(RULINGS, (told["for_payer"], told["for_payee"], told["split"]), strict=True))
    rates = {"success_rate_numerator": told["completed"], "success_rate_denominator": ended}
    rates |= {"dispute_rate_numerator": told["disputed"], "dispute_rate_denominator": told["created"]}
    return {name: told[name] for name in (*LIFE, "as_of_slot")} | rulings | rates


def _exchange(told: Mapping[str, Any]) -> dict[str, int]:
    ended = told["completed"] + told["failed"] + told["fallback"]
    rates = {"success_rate_numerator": told["completed"], "fallback_rate_numerator": told["fallback"]}
    rates |= {"success_rate_denominator": ended, "fallback_rate_denominator": ended}
    rates |= {"mean_rate_numerator": int(told["tokens_out"]), "mean_rate_denominator": int(told["units_in"])}
    return {name: int(value) for name, value in told.items()} | rates


def _kinds(buckets: Mapping[str, Any]) -> Cells:
    names = {"created": "escrows_created", "cancelled": "escrows_cancelled", "disputes": "disputes_opened"}

    def figures(told: Mapping[str, int]) -> dict[str, int]:
        rates = {"created": "cancellation_rate_denominator", "cancelled": "cancellation_rate_numerator"}
        return {names.get(name, name): n for name, n in told.items()} | {
            column: told[name] for name, column in rates.items() if name in told
        }

    return _cells(buckets, "M8", figures)


def _unlike_arbiters(client: bigquery.Client, told: Mapping[str, Mapping[str, Any]]) -> list[str]:
    columns = ("resolved", "for_payer", "for_payee", "split")
    cells = {}
    for arbiter, figures in told.items():
        one_sided = figures["for_payer"] + figures["for_payee"]
        bounds = {name: figures[name] and Decimal(figures[name]) for name in ("lower", "upper")}
        cells[arbiter,] = {name: figures[name] for name in columns} | {
            "payer_share_numerator": figures["for_payer"],
            "payer_share_denominator": one_sided,
            "payer_share_lower": bounds["lower"],
            "payer_share_upper": bounds["upper"],
            "is_outside_even": figures["outside"],
            "is_listed": arbiter != "unlisted",
        }
    return unlike(client, "escrow_arbiters", ("arbiter",), cells)


def _text(value: Any) -> str:
    if hasattr(value, "hour"):
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    return str(value)
