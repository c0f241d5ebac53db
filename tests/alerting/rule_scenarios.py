"""What the marts hold on a clean day, and each rule's fault at its threshold and just below it.

A case replaces a day's rows in some marts and says which alerts the rule must find: labels and severity, nothing else.
All figures are for the reference's defaults (`reference`), and cases are data: nothing here reads a clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from expectations.rules import RUNBOOKS
from reporting.metrics import Metric, load_metrics
from reporting.runbooks import runbooks_reviewed
from warehouse.config import Config
from warehouse.config_thresholds import Thresholds
from warehouse.window import Window, format_instant

Rows = list[dict[str, Any]]
World = dict[str, Rows]
"""Mart -> rows."""
Found = dict[tuple[str, ...], str]
"""Values of the labels, in the rule's order -> severity."""

P, CALL = "program", "settle"
API = {"service": "api", "endpoint": "/pay", "method": "POST"}
USDC, SKILL = "FLJEHp146XNAu8cnbfTaWMH3mjYZCe3LXWKkyMTCWVRB", "FSsEwVnh5oa7uo16MpJPBShuGHTjwzxwm1cuyNDWztkg"
SOL = 1_000_000_000
STATE_MARTS = frozenset(
    f"marts.{name}"
    for name in (
        *("escrow_reconciliation", "escrow_settlements", "escrow_arbiters", "warehouse_metric_status"),
        *("chain_pending", "chain_coverage", "audit_gaps"),
    )
)
"""Marts that hold the state, or months that a rule reads: a new state takes the place of the old one."""


@dataclass(frozen=True)
class Case:
    """One rule's fault: `rows` of a day replace those of the clean day, and `found` is what the rule must report.

    `name` is `at` (it fires), `below` (it doesn't) or one of these with the level it is about.
    """

    rule: str
    name: str
    rows: Callable[[datetime], World]
    found: Found

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def reference(config: Config) -> Config:
    """The configuration with the reference's thresholds, and the maps that have no default."""
    given = config.thresholds
    maps = {
        "withdrawal_floor_amounts": {USDC: 500_000_000},
        "low_balance_floors": dict.fromkeys(config.own.treasury, 0.0),
        "source_silent_hours": given.source_silent_hours,
    }
    return config.model_copy(update={"thresholds": Thresholds(**maps)})


def clean(day: datetime, config: Config, rng: random.Random | None = None) -> World:
    """Rows of a healthy day: figures that `rng` varies and that stay clear of every threshold."""
    dice = rng or random.Random(0)
    hours = [day + timedelta(hours=hour) for hour in (0, 9, 23)]
    buckets = [day + timedelta(hours=12, minutes=5 * n) for n in range(6)]
    return {
        "marts.money_hourly": [money(hour, USDC, dice.randint(0, 9), dice.randint(0, 400) * 10**6) for hour in hours],
        "marts.chain_native_balances_hourly": [
            balance(hour, account, kind, lamports)
            for hour in hours
            for account, kind, lamports in (
                (P, "program", dice.randint(10 * SOL, 30 * SOL)),
                (config.own.fee_payers[0], "fee_payer", dice.randint(10 * SOL, 300 * SOL)),
                (config.own.treasury[0], "treasury", 2_039_280),
            )
        ],
        "marts.chain_transactions_5min": [transactions(at, dice.randint(1, 20), dice.randint(0, 1)) for at in buckets],
        "marts.chain_transactions_hourly": [hourly(hour, dice.randint(1, 40), dice.randint(0, 2)) for hour in hours],
        "marts.chain_transactions_daily": [daily(day, 100, dice.randint(800_000, 1_400_000))],
        "marts.chain_events_5min": [
            {"event_date": date(at), "bucket_start": at, "canonical_event": "dispute_opened", "events": 1}
            for at in buckets[: dice.randint(0, 2)]
        ],
        "marts.chain_events_daily": [cancellations(day, dice.randint(0, 6), 20)],
        "marts.exchange_hourly": [exchanges(hour, 20, dice.randint(0, 1), 0) for hour in hours],
        "marts.exchange_daily": [exchanges(day, 60, dice.randint(0, 6), 0, daily=True)],
        "marts.api_requests_5min": [requests(at, dice.randint(1, 30), dice.randint(50, 1990)) for at in buckets],
        "marts.api_requests_hourly": [endpoint(hour, 40, dice.randint(0, 2)) for hour in hours],
        "marts.stripe_daily": [charges(day, dice.randint(20, 60), 0)],
        "marts.escrow_lifecycle_hourly": [disputes(hour, dice.randint(0, 1), 10) for hour in hours],
        "marts.users_daily": [active(day, dice.randint(60, 200))],
        "marts.reconciliation_lag_hourly": [lag(hour, dice.randint(1000, 200_000)) for hour in hours],
        "marts.stripe_webhooks_hourly": [webhooks(hour, 20, dice.randint(100, 50_000)) for hour in hours],
        "marts.queue_depth_5min": [queue(at, dice.randint(0, 190)) for at in buckets],
        "marts.firebase_write_errors_hourly": [write_errors(hour, dice.randint(1, 4)) for hour in hours[:1]],
        "marts.service_logs_hourly": [queries(hour, dice.randint(0, 9)) for hour in hours],
        "marts.rpc_health": [calls(day, name, 100, dice.randint(0, 9)) for name in ("alpha", "beta") for _ in range(1)],
    } | state(config)


def state(config: Config) -> World:
    """The state at the end of a healthy day."""
    return {
        "marts.escrow_reconciliation": [vault(v.address, v.mint, 0) for v in config.own.vaults],
        "marts.escrow_settlements": [],
        "marts.escrow_arbiters": [arbiter("0.40", "0.60")],
        "marts.chain_pending": [],
        "marts.chain_coverage": [
            {"address": address, "from_slot": 0, "to_slot": None, "gap_before_slots": 0}
            for address in sorted(config.own.own_addresses())
        ],
        "marts.audit_gaps": [],
        "marts.warehouse_metric_status": status(),
    }


def status(changed: Mapping[str, str] | None = None) -> Rows:
    """Every metric current, but for the sources in `changed` (source -> state); the marts cover every case's window."""
    states = changed or {}
    return [
        {
            "metric": metric.id,
            "source": source,
            "state": states.get(source, "current"),
            "read_until": None if states.get(source) == "never" else "2099-12-30T00:00:00Z",
            "covered_until": "2100-01-01T00:00:00Z",
        }
        for metric in _metrics()
        for source in metric.sources
    ]


@cache
def _metrics() -> list[Metric]:
    return load_metrics()


def date(at: datetime) -> str:
    """Its UTC day."""
    return at.date().isoformat()


def money(hour: datetime, mint: str, count: int, amount: int, mean: tuple[int, int] = (28, 2_100_000_000)) -> dict:
    """An hour of withdrawals beside seven days with `mean` (their number and amount together)."""
    return {
        "activity_date": date(hour),
        "hour_start": hour,
        "mint": mint,
        "withdrawals_count": count,
        "withdrawals_amount": amount,
        "same_hour_mean_count_numerator": mean[0],
        "same_hour_mean_amount_numerator": mean[1],
        "same_hour_mean_denominator": 7,
    }


def balance(hour: datetime, account: str, kind: str, lamports: int) -> dict:
    """What an account holds at an hour's end."""
    return {
        "balance_date": date(hour),
        "hour_start": hour,
        "account": account,
        "account_kind": kind,
        "closing_lamports": lamports,
        "as_of_slot": 7,
        "as_of_time": hour,
    }


def transactions(at: datetime, count: int, failures: int) -> dict:
    """Five minutes of transactions."""
    return {
        "transaction_date": date(at),
        "bucket_start": at,
        "scope": "all",
        "program_id": "(all)",
        "instruction": "(all)",
        "transactions": count,
        "failures": failures,
    }


def hourly(
    hour: datetime, count: int, failures: int, scope: str = "all", fees: int | None = None, day: int = 90
) -> dict:
    """An hour of transactions; the 30 days before have 10 days of 100 transactions for 10,000 lamports each."""
    alone = scope == "all"
    return {
        "transaction_date": date(hour),
        "hour_start": hour,
        "scope": scope,
        "program_id": "(all)" if alone else P,
        "instruction": "(all)" if alone else CALL,
        "transactions": count,
        "failures": failures,
        "transactions_24h": day,
        "failures_24h": failures,
        "success_rate_numerator": count - failures,
        "success_rate_denominator": count,
        "mean_fee_numerator": count * 10_000 if fees is None else fees,
        "mean_fee_denominator": count,
        "baseline_fee_numerator": 10_000_000,
        "baseline_fee_denominator": 1000,
        "baseline_days": 10,
    }


def daily(day: datetime, count: int, fees: int) -> dict:
    """A day of transactions with these fees together; the baseline as in `hourly`."""
    row = hourly(day, count, 0, fees=fees)
    return {key: value for key, value in row.items() if key not in ("hour_start", "transactions_24h", "failures_24h")}


def cancellations(day: datetime, cancelled: int, created: int) -> dict:
    """A day's events, all kinds together."""
    return {
        "event_date": date(day),
        "scope": "all",
        "canonical_event": "(all)",
        "events": created + cancelled,
        "cancellation_rate_numerator": cancelled,
        "cancellation_rate_denominator": created,
    }


def exchanges(at: datetime, ended: int, fallback: int, failed: int, daily: bool = False) -> dict:
    """An hour or a day of exchanges."""
    return {
        "activity_date": date(at),
        "mint": USDC,
        "completed": ended - fallback - failed,
        **({} if daily else {"hour_start": at}),
        "success_rate_numerator": ended - fallback - failed,
        "success_rate_denominator": ended,
        "fallback_rate_numerator": fallback,
        "fallback_rate_denominator": ended,
    }


def requests(at: datetime, count: int, p95: int, failed_run: int = 0) -> dict:
    """Five minutes of an endpoint."""
    return {
        "request_date": date(at),
        "bucket_start": at,
        **API,
        "requests": count,
        "duration_p95_ms": p95,
        "duration_max_ms": p95,
        "failed_run_max": failed_run,
        "failed_run_at_end": failed_run,
    }


def endpoint(hour: datetime, count: int, failures: int) -> dict:
    """An hour of an endpoint."""
    return {
        "request_date": date(hour),
        "hour_start": hour,
        **API,
        "requests": count,
        "error_rate_numerator": failures,
        "error_rate_denominator": count,
    }


def charges(day: datetime, count: int, disputed: int) -> dict:
    """A day of Stripe."""
    return {
        "activity_date": date(day),
        "currency": "usd",
        "decimals": 2,
        "charges_succeeded": count,
        "disputes_opened": disputed,
    }


def disputes(hour: datetime, disputed: int, created: int) -> dict:
    """An hour of escrows."""
    return {
        "activity_date": date(hour),
        "hour_start": hour,
        "mint": USDC,
        "created": created,
        "disputed": disputed,
        "dispute_rate_numerator": disputed,
        "dispute_rate_denominator": created,
    }


def active(day: datetime, people: int) -> dict:
    """People of a day, after seven days with 100 each."""
    return {
        "activity_date": date(day),
        "daily_active": people,
        "mean_daily_active_numerator": 700,
        "mean_daily_active_denominator": 7,
    }


def lag(hour: datetime, p95: int) -> dict:
    """An hour of bookings."""
    return {
        "write_date": date(hour),
        "hour_start": hour,
        "writes": 50,
        "ledger_lag_p95_ms": p95,
        "ledger_lag_max_ms": p95,
    }


def webhooks(hour: datetime, handled: int, p95: int) -> dict:
    """An hour of Stripe's deliveries."""
    return {
        "delivery_date": date(hour),
        "hour_start": hour,
        "handled": handled,
        "failures": 0,
        "retries": 0,
        "latency_p95_ms": p95,
        "latency_max_ms": p95,
    }


def queue(at: datetime, depth: int) -> dict:
    """Five minutes of a queue."""
    return {
        "depth_date": date(at),
        "bucket_start": at,
        "queue": "settlement",
        "depth_p95": depth,
        "depth_max": depth,
        "oldest_max_ms": 1000,
    }


def write_errors(hour: datetime, errors: int) -> dict:
    """An hour of failed writes."""
    return {
        "error_date": date(hour),
        "hour_start": hour,
        "logged_by": "application",
        "collection": "ledger",
        "code": "ABORTED",
        "errors": errors,
        "first_at": hour,
    }


def queries(hour: datetime, slow: int) -> dict:
    """An hour of a service's queries."""
    return {
        "log_date": date(hour),
        "hour_start": hour,
        "service": "api",
        "slow_queries": slow,
        "slowest_query_ms": 1500 if slow else None,
    }


def calls(day: datetime, provider: str, count: int, failures: int, minute: int = 0) -> dict:
    """Five minutes of calls to an RPC provider by the run over the day."""
    at = day + timedelta(days=1, hours=1, minutes=minute)
    return {
        "window_start": day,
        "window_end": day + timedelta(days=1),
        "provider": provider,
        "bucket_start": at,
        "attempt_id": f"a-{date(day)}",
        "calls": count,
        "failures": failures,
        "http_error_calls": failures,
        "timeout_calls": 0,
        "connection_calls": 0,
        "last_called_at": at,
    }


def vault(address: str, mint: str, difference: int) -> dict:
    """A vault that is off by so many base units."""
    return {
        "vault": address,
        "mint": mint,
        "method": "token_balances",
        "slot": 9,
        "ledger_difference": difference,
        "offchain_difference": difference,
        "ledger_offchain_difference": 0,
        "vault_balance": 1000 + difference,
        "ledger_balance": 1000,
        "offchain_balance": 1000,
        "in_flight": 0,
    }


def arbiter(lower: str, upper: str, rulings: int = 50) -> dict:
    """An arbiter with the interval of its payer share."""
    return {
        "arbiter": "arbiter",
        "is_listed": True,
        "for_payer": rulings // 2,
        "for_payee": rulings // 2,
        "split": 0,
        "payer_share_denominator": rulings,
        "payer_share_lower": lower,
        "payer_share_upper": upper,
        "since_time": "2018-01-01T00:00:00Z",
        "until_time": "2018-04-01T00:00:00Z",
    }


def finding(day: datetime, kind: str) -> dict:
    """A finding of the audit log's checks."""
    return {
        "finding_id": f"{kind}-{date(day)}",
        "finding_date": date(day),
        "kind": kind,
        "stream": "payments",
        "from_seq": 7,
        "to_seq": 7,
        "missing": "7",
        "occurrences": 1,
        "happened_at": day + timedelta(hours=3),
    }


def settlement(day: datetime) -> dict:
    """A match that is unpaid after its deadline."""
    return {
        "match_id": "m1",
        "kind": "unpaid",
        "mint": USDC,
        "decimals": 6,
        "amount": 5_000_000,
        "failed_since": day + timedelta(hours=5),
        "as_of_slot": 9,
        "as_of_time": day + timedelta(hours=4),
    }


def pending(day: datetime, minutes: int) -> dict:
    """A transaction that was confirmed so long ago."""
    return {
        "signature": "sig",
        "state": "pending",
        "addresses": "a",
        "slot": 5,
        "confirmation_status": "confirmed",
        "age_minutes": minutes,
        "sightings": 2,
        "block_time": day,
        "first_seen_at": day,
        "as_of_time": day,
    }


def _cases(config: Config) -> Iterable[Case]:
    noon = timedelta(hours=12)

    def pair(
        rule: str, make: Callable[[datetime, bool], World], found: Found, below: Found | None = None, of: str = ""
    ):
        yield Case(rule, f"at{of}", lambda day: make(day, True), found)
        yield Case(rule, f"below{of}", lambda day: make(day, False), below or {})

    def hour_pair(
        rule: str, mart: str, row: Callable[..., dict], at: tuple, below: tuple, found: Found, under=None, of=""
    ):
        yield from pair(
            rule, lambda day, fires: {f"marts.{mart}": [row(day + noon, *(at if fires else below))]}, found, under, of
        )

    def span_pair(
        rule: str, mart: str, row: Callable[..., dict], at: tuple, below: tuple, found: Found, n: int, under=None, of=""
    ):
        """`n` buckets in a row at the limit; just below it."""
        yield from pair(
            rule,
            lambda day, fires: {
                f"marts.{mart}": [
                    row(day + noon + timedelta(minutes=5 * k), *(at if fires else below)) for k in range(n)
                ]
            },
            found, under, of,
        )  # fmt: skip

    first, second = config.own.vaults[:2]
    payer = config.own.fee_payers[0]
    yield from pair(
        "escrow_mismatch",
        lambda day, fires: {
            "marts.escrow_reconciliation": [
                vault(first.address, first.mint, int(fires)),
                vault(second.address, second.mint, 0),
            ]
        },
        {(first.address, first.mint): "critical"},
    )
    for kind in ("sequence_gap", "broken_link", "missing_heartbeat", "money_event_without_audit_record"):
        yield Case(
            "audit_log_gap", f"at {kind}", lambda day, kind=kind: {"marts.audit_gaps": [finding(day, kind)]},
            {("payments", "{day}"): "critical"},
        )  # fmt: skip
    yield Case("audit_log_gap", "below", lambda day: {"marts.audit_gaps": []}, {})
    yield from pair(
        "rpc_outage",
        lambda day, fires: {"marts.rpc_health": [calls(day, "alpha", 100, 10 + fires), calls(day, "beta", 100, 0)]},
        {("alpha",): "critical"},
    )
    yield Case(
        "rpc_outage", "at all",
        lambda day: {"marts.rpc_health": [calls(day, "alpha", 2, 2), calls(day, "beta", 3, 3)]},
        {("alpha",): "critical", ("beta",): "critical"},
    )  # fmt: skip
    spike: Found = {(USDC,): "critical"}
    yield from hour_pair("withdrawal_spike", "money_hourly", money, (USDC, 13, 0), (USDC, 12, 0), spike, of=" count")
    few = (7, 0)
    yield from hour_pair(
        "withdrawal_spike", "money_hourly", money, (USDC, 10, 0, few), (USDC, 9, 0, few), spike, of=" floor"
    )
    yield from hour_pair(
        "withdrawal_spike", "money_hourly", money, (USDC, 0, 900_000_001), (USDC, 0, 900_000_000), spike, of=" amount"
    )
    low = (payer, "fee_payer")
    yield from hour_pair(
        "low_balance",
        "chain_native_balances_hourly",
        balance,
        (*low, 10 * SOL - 1),
        (*low, 10 * SOL),
        {(payer,): "critical"},
    )
    everything: Found = {("all",): "critical"}
    yield from hour_pair("error_rate", "chain_transactions_hourly", hourly, (59, 3), (60, 3), everything)
    yield from hour_pair("error_rate", "chain_transactions_hourly", hourly, (11, 3), (10, 3), everything, of=" floor")
    yield from hour_pair(
        "call_failures",
        "chain_transactions_hourly",
        hourly,
        (29, 3, "instruction"),
        (30, 3, "instruction"),
        {(P, CALL): "medium"},
    )
    yield from hour_pair("fallback_spike", "exchange_hourly", exchanges, (14, 3, 0), (15, 3, 0), spike)
    yield from hour_pair("fallback_spike", "exchange_hourly", exchanges, (5, 2, 0), (4, 2, 0), spike, of=" floor")
    yield from pair(
        "fallback_rate",
        lambda day, fires: {"marts.exchange_daily": [exchanges(day, 19 if fires else 20, 2, 0, daily=True)]},
        {(USDC,): "medium"},
    )
    here = tuple(API.values())
    yield from hour_pair("api_down", "api_requests_5min", requests, (3, 100, 3), (3, 100, 2), {here: "critical"})
    yield from pair(
        "settlement_failed", lambda day, fires: {"marts.escrow_settlements": [settlement(day)] * fires},
        {("m1", USDC, "unpaid"): "critical"},
    )  # fmt: skip
    for silent in ("late", "never"):
        yield Case(
            "source_silent", f"at {silent}",
            lambda day, silent=silent: {"marts.warehouse_metric_status": status({"stripe": silent})},
            {("stripe",): "critical"},
        )  # fmt: skip
    yield Case("source_silent", "below", lambda day: {"marts.warehouse_metric_status": status()}, {})

    drop = "success_rate_drop"
    fives = ("chain_transactions_5min", transactions, (100, 11), (100, 10))
    yield from span_pair(drop, *fives, {("transactions",): "high"}, 6)
    yield Case(
        drop, "below span",
        lambda day: {
            "marts.chain_transactions_5min": [
                transactions(day + noon + timedelta(minutes=5 * k), 100, 0 if k == 5 else 90) for k in range(11)
            ]
        },
        {},
    )  # fmt: skip
    yield from hour_pair(
        drop, "chain_transactions_hourly", hourly, (100, 6), (100, 5), {("transactions",): "medium"}, of=" medium"
    )
    yield from hour_pair(
        drop, "exchange_hourly", exchanges, (100, 0, 11), (100, 0, 10),
        {("exchanges",): "high"}, {("exchanges",): "medium"}, of=" exchanges",
    )  # fmt: skip
    yield from hour_pair(
        drop, "exchange_hourly", exchanges, (100, 0, 6), (100, 0, 5), {("exchanges",): "medium"}, of=" exchanges medium"
    )
    slow = "api_requests_5min"
    yield from span_pair("latency", slow, requests, (10, 3001), (10, 3000), {here: "high"}, 3, {here: "medium"})
    yield from span_pair("latency", slow, requests, (10, 2001), (10, 2000), {here: "medium"}, 3, of=" medium")
    yield from pair(
        "latency",
        lambda day, fires: {
            "marts.api_requests_5min": [
                requests(day + noon + timedelta(minutes=m), 4 if fires else 3, 9000) for m in (0, 5, 10)
            ]
        },
        {here: "high"}, of=" floor",
    )  # fmt: skip
    yield Case(
        "latency", "below span",
        lambda day: {
            "marts.api_requests_5min": [requests(day + noon + timedelta(minutes=m), 50, 9000) for m in (0, 5, 15)]
        },
        {},
    )  # fmt: skip
    errors = "api_requests_hourly"
    yield from hour_pair("endpoint_errors", errors, endpoint, (100, 11), (100, 10), {here: "high"}, {here: "medium"})
    yield from hour_pair("endpoint_errors", errors, endpoint, (100, 6), (100, 5), {here: "medium"}, of=" medium")
    yield from hour_pair("endpoint_errors", errors, endpoint, (20, 20), (19, 19), {here: "high"}, of=" floor")
    fees = ("fee_spike", "chain_transactions_hourly", hourly)
    yield from hour_pair(*fees, (20, 0, "all", 400_001), (20, 0, "all", 400_000), {("all",): "high"})
    for of, count, fee in ((" medium mean", 100, 1_500_000), (" medium day", 150, 2_000_000)):
        yield from pair(
            "fee_spike",
            lambda day, fires, count=count, fee=fee: {
                "marts.chain_transactions_daily": [daily(day, count, fee + fires)]
            },
            {("all",): "medium"}, of=of,
        )  # fmt: skip
    yield from pair(
        "dispute_spike",
        lambda day, fires: {
            "marts.chain_events_5min": [
                {
                    "event_date": date(day),
                    "bucket_start": day + noon,
                    "canonical_event": "dispute_opened",
                    "events": 5 + fires,
                }
            ]
        },
        {("dispute_opened",): "high"},
    )
    yield from pair(
        "chargeback",
        lambda day, fires: {"marts.stripe_daily": [charges(day, 3, int(fires))]},
        {("usd", "{day}"): "high"},
    )
    yield from pair(
        "chargeback", lambda day, fires: {"marts.stripe_daily": [charges(day, 1999 if fires else 2000, 15)]},
        {("usd", "{day}"): "critical"}, {("usd", "{day}"): "high"}, of=" critical",
    )  # fmt: skip
    yield from pair(
        "pending_stale", lambda day, fires: {"marts.chain_pending": [pending(day, 9 + fires)]}, {("sig",): "high"}
    )
    yield from hour_pair("dispute_rate", "escrow_lifecycle_hourly", disputes, (2, 9), (2, 10), {(USDC,): "medium"})
    yield from hour_pair(
        "dispute_rate", "escrow_lifecycle_hourly", disputes, (5, 5), (4, 4), {(USDC,): "medium"}, of=" floor"
    )
    biased: Found = {("arbiter",): "medium"}
    for of, leaning, even in (
        ("", ("0.500001", "0.9"), ("0.5", "0.9")),
        (" payee", ("0.1", "0.499999"), ("0.1", "0.5")),
    ):
        yield from pair(
            "arbiter_bias",
            lambda day, fires, leaning=leaning, even=even: {
                "marts.escrow_arbiters": [arbiter(*(leaning if fires else even))]
            },
            biased, of=of,
        )  # fmt: skip
    yield from hour_pair(
        "volume_spike",
        "chain_transactions_hourly",
        hourly,
        (30, 0, "all", None, 301),
        (30, 0, "all", None, 300),
        {("all",): "medium"},
    )
    yield from pair(
        "cancellation_rate",
        lambda day, fires: {"marts.chain_events_daily": [cancellations(day, 3 + fires, 10 + 3 * fires)]},
        {("all",): "medium"},
    )
    yield from pair(
        "engagement_drop",
        lambda day, fires: {"marts.users_daily": [active(day, 50 - fires)]},
        {("daily_active",): "medium"},
    )
    yield from hour_pair(
        "reconciliation_lag",
        "reconciliation_lag_hourly",
        lag,
        (300_001,),
        (300_000,),
        {("finalized_to_booked",): "medium"},
    )
    yield from hour_pair(
        "webhook_latency", "stripe_webhooks_hourly", webhooks, (10, 60_001), (10, 60_000), {("stripe",): "medium"}
    )
    yield from hour_pair("queue_depth", "queue_depth_5min", queue, (201,), (200,), {("settlement",): "medium"})
    yield from hour_pair(
        "firebase_errors",
        "firebase_write_errors_hourly",
        write_errors,
        (6,),
        (5,),
        {("application", "ledger", "ABORTED"): "medium"},
    )
    yield from hour_pair("slow_queries", "service_logs_hourly", queries, (11,), (10,), {("api",): "medium"})


def cases(config: Config) -> list[Case]:
    """All cases, of all rules but runbook_stale, whose fault is a date and no row."""
    return list(_cases(config))


def stale_day(config: Config) -> datetime:
    """The first day whose window's end finds a runbook that wasn't reviewed in time."""
    oldest = min(
        review.last_reviewed + timedelta(days=review.review_every_days) for review in runbooks_reviewed(RUNBOOKS)
    )
    return datetime.fromisoformat(f"{oldest.isoformat()}T00:00:00+00:00") - timedelta(days=1)


def expected(found: Found, day: datetime) -> Found:
    """What a case must find on this day: {day} in a label is the day."""
    return {
        tuple(value.replace("{day}", date(day)) for value in labels): severity for labels, severity in found.items()
    }


def window_of(day: datetime) -> Window:
    """The day's window."""
    return Window(day, day + timedelta(days=1))


def texts(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows as JSON values: instants as text."""
    return [
        {key: format_instant(value) if isinstance(value, datetime) else value for key, value in row.items()}
        for row in rows
    ]
