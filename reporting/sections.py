"""Parts of the report that are counts a day: which mart, which columns, which of them are drawn.

A part whose mart has no rows in the window is there and says that its source has no data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any


@dataclass(frozen=True)
class Section:
    """What a part shows. `sql` gives a row per day (and `label`) with the columns of `counts` and `rates`.

    `counts`: column -> heading. `rates`: heading -> (numerator, denominator). `drawn`: columns of the chart, added up
    over the labels. `absent`: what to say where there is nothing, and the source to name.
    """

    id: str
    title: str
    lead: str
    mart: str
    sql: str
    counts: Mapping[str, str]
    drawn: Sequence[str]
    absent: tuple[str, str]
    rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Figures:
    """A row of a part: counts by column, None is absent; rates by heading as (numerator, denominator)."""

    day: date
    label: str
    counts: Mapping[str, int | None]
    rates: Mapping[str, tuple[int, int] | None]


@dataclass(frozen=True)
class Filled:
    """A part with its rows, in order of day and label."""

    section: Section
    rows: Sequence[Figures]

    def by_day(self, column: str) -> dict[date, int]:
        """A count added up over the labels; days without one are left out."""
        sums: dict[date, int] = {}
        for row in self.rows:
            if (value := row.counts[column]) is not None:
                sums[row.day] = sums.get(row.day, 0) + value
        return sums


def percent(parts: tuple[int, int] | None) -> str:
    """A rate for people: 98.7 %; a dash where there is nothing to divide by."""
    if parts is None or not parts[1]:
        return "–"
    share = Decimal(parts[0]) * 100 / Decimal(parts[1])
    return f"{share.quantize(Decimal('0.1'), ROUND_HALF_EVEN)} %"


def fill(section: Section, read: Callable[[str, str], Sequence[Mapping[str, Any]]]) -> Filled:
    """Read a part with `read(mart, sql)`."""
    return Filled(section, [_figures(section, row) for row in read(section.mart, section.sql)])


def _figures(section: Section, row: Mapping[str, Any]) -> Figures:
    def whole(name: str) -> int | None:
        return None if row[name] is None else int(row[name])

    def parts(names: tuple[str, str]) -> tuple[int, int] | None:
        numerator, denominator = (whole(name) for name in names)
        return None if numerator is None or denominator is None else (numerator, denominator)

    return Figures(
        row["day"],
        str(row["label"]) if section.label else "",
        {name: whole(name) for name in section.counts},
        {heading: parts(names) for heading, names in section.rates.items()},
    )


SECTIONS = (
    Section(
        id="transactions",
        title="Transactions per day",
        lead="Finalized transactions that the platform takes part in, each once; failed ones pay fees too.",
        mart="chain_transactions_daily",
        sql="""
            select transaction_date as day, transactions, failures, success_rate_numerator,
                success_rate_denominator, fee_lamports_total, fee_lamports_p95, compute_units_p95
            from {table}
            where scope = 'all' and transaction_date between @first_day and @last_day
            order by day
        """,
        counts={
            "transactions": "Transactions",
            "failures": "Failed",
            "fee_lamports_total": "Fees (lamports)",
            "fee_lamports_p95": "Fee p95 (lamports)",
            "compute_units_p95": "Compute units p95",
        },
        rates={"Success": ("success_rate_numerator", "success_rate_denominator")},
        drawn=("transactions", "failures"),
        absent=("No transaction", "solana"),
    ),
    Section(
        id="lifecycle",
        title="Escrows per day: what happened to them",
        lead="By the program's own events. Success: of those that ended, how many were completed.",
        mart="escrow_lifecycle_daily",
        sql="""
            select activity_date as day, coalesce(symbol, mint) as label, created, funded, completed, cancelled,
                disputed, resolved, success_rate_numerator, success_rate_denominator, dispute_rate_numerator,
                dispute_rate_denominator
            from {table}
            where activity_date between @first_day and @last_day
            order by day, label
        """,
        label="Mint",
        counts={
            "created": "Created",
            "funded": "Funded",
            "completed": "Completed",
            "cancelled": "Cancelled",
            "disputed": "Disputed",
            "resolved": "Resolved",
        },
        rates={
            "Success": ("success_rate_numerator", "success_rate_denominator"),
            "Disputes": ("dispute_rate_numerator", "dispute_rate_denominator"),
        },
        drawn=("created", "completed", "cancelled", "disputed"),
        absent=("No escrow", "solana"),
    ),
    Section(
        id="exchange",
        title="Exchange of units to tokens per day",
        lead="Requests count on the day they were made, the rest on the day they ended.",
        mart="exchange_daily",
        sql="""
            select activity_date as day, coalesce(symbol, mint) as label, requests, completed, failed, fallback,
                unique_users, success_rate_numerator, success_rate_denominator, fallback_rate_numerator,
                fallback_rate_denominator
            from {table}
            where activity_date between @first_day and @last_day
            order by day, label
        """,
        label="Mint",
        counts={
            "requests": "Requests",
            "completed": "Completed",
            "failed": "Failed",
            "fallback": "By hand",
            "unique_users": "Users",
        },
        rates={
            "Success": ("success_rate_numerator", "success_rate_denominator"),
            "By hand": ("fallback_rate_numerator", "fallback_rate_denominator"),
        },
        drawn=("requests", "completed", "failed", "fallback"),
        absent=("No exchange", "firebase"),
    ),
    Section(
        id="people",
        title="People per day",
        lead="Users with an action of their own in the platform's records.",
        mart="users_daily",
        sql="""
            select activity_date as day, daily_active, weekly_active, monthly_active, new_users, registered_users
            from {table}
            where activity_date between @first_day and @last_day
            order by day
        """,
        counts={
            "daily_active": "Active",
            "weekly_active": "Active in 7 days",
            "monthly_active": "Active in 30 days",
            "new_users": "New",
            "registered_users": "Registered",
        },
        drawn=("daily_active", "new_users"),
        absent=("No user", "firebase"),
    ),
    Section(
        id="compliance",
        title="Users by KYC tier at the end of each day",
        lead="How many stand in each tier, and how many of them are frozen.",
        mart="compliance_daily",
        sql="""
            select state_date as day, kyc_tier as label, users, frozen_users, newly_frozen_users
            from {table}
            where state_date between @first_day and @last_day
            order by day, label
        """,
        label="Tier",
        counts={"users": "Users", "frozen_users": "Frozen", "newly_frozen_users": "Newly frozen"},
        drawn=("users", "frozen_users"),
        absent=("No user", "firebase"),
    ),
    Section(
        id="api",
        title="API requests per day",
        lead="As the Workers log them. An error is a status of 500 or above.",
        mart="api_requests_hourly",
        sql="""
            select request_date as day, sum(requests) as requests, sum(client_errors) as client_errors,
                sum(server_errors) as server_errors, max(duration_max_ms) as duration_max_ms
            from {table}
            where request_date between @first_day and @last_day
            group by request_date
            order by day
        """,
        counts={
            "requests": "Requests",
            "client_errors": "Client errors",
            "server_errors": "Errors",
            "duration_max_ms": "Longest (ms)",
        },
        rates={"Errors": ("server_errors", "requests")},
        drawn=("client_errors", "server_errors"),
        absent=("No request", "cloudflare"),
    ),
)
"""In the order of the page."""
