"""Ground truth of M3, M5 and M17 by the hour and of M4 by the day: from ledger, matches and transactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.audit_log import iso_ms
from sandbox.model import LedgerEntry, World
from sandbox.truth import EFFECTS
from sandbox.worker_truth import percentile

DEADLINE = timedelta(minutes=60)  # thresholds.settlement_deadline_minutes
HOUR = timedelta(hours=1)
PAUSES = {"pause_match": "pause_events", "resume_match": "resume_events"}
Figures = dict[str, Any]
SUMS = {
    "entry": ("entry_volume", "entry_count"),
    "prize_distributed": ("prize_volume", "prize_count"),
    "fee_collected": ("fee_revenue", None),
    "refund": ("refunds", "refund_count"),
    "deposit": ("deposits", "deposit_count"),
    "withdrawal": ("withdrawals_amount", "withdrawals_count"),
}


def money_truth(world: World) -> dict[str, dict[str, Figures]]:
    """{"days": {"2026-10-05": {"M4": {"payouts": {mint: figures}}}}, "hours": {"2026-10-05T10:00:00Z": {"M3":
    {"outstanding": {"vault mint": figures}}, "M5": {"paused": figures}, "M17": {"money": {mint: figures}}}}}.

    Figures by the name of their column, amounts as int strings. Hours before anything is known are absent.
    """
    hours: dict[str, Figures] = defaultdict(dict)
    for name, told in _money(world):
        hours[name]["M17"] = {"money": told}
    for name, told in _outstanding(world):
        hours[name]["M3"] = {"outstanding": told}
    for name, told in _paused(world):
        hours[name]["M5"] = {"paused": told}
    days = {start.date().isoformat(): {"M4": {"payouts": _payouts(world, start.date())}} for start in world.days()}
    return {"days": days, "hours": dict(sorted(hours.items()))}


def _name(at: datetime) -> str:
    return iso_ms(at).replace(".000", "")


def _hours(world: World) -> Iterator[datetime]:
    at = world.start
    while at < world.end:
        yield at
        at += HOUR


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _money(world: World) -> Iterator[tuple[str, Figures]]:
    cells: dict[datetime, dict[str, list[LedgerEntry]]] = defaultdict(lambda: defaultdict(list))
    for entry in world.ledger:
        cells[_hour(entry.at)][entry.mint].append(entry)
    moved = {entry.at.date() for entry in world.ledger}
    for at, mints in cells.items():
        week = [at - timedelta(days=n) for n in range(1, 8)]
        before = {mint: [e for day in week for e in cells.get(day, {}).get(mint, [])] for mint in mints}
        yield (
            _name(at),
            {
                mint: _sums(entries) | _same_hour(before[mint], sum(day.date() in moved for day in week))
                for mint, entries in mints.items()
            },
        )


def _sums(entries: Sequence[LedgerEntry]) -> Figures:
    amounts = {kind: sum(entry.amount for entry in entries if entry.kind == kind) for kind in SUMS}
    counts = {kind: sum(entry.kind == kind for entry in entries) for kind in SUMS}
    told: Figures = {amount: str(amounts[kind]) for kind, (amount, _) in SUMS.items()}
    told |= {count: counts[kind] for kind, (_, count) in SUMS.items() if count}
    return told | {
        "withdrawals_users": len({entry.uid for entry in entries if entry.kind == "withdrawal"}),
        "net_deposits": str(amounts["deposit"] - amounts["withdrawal"]),
        "mean_entry_numerator": str(amounts["entry"]),
        "mean_entry_denominator": counts["entry"],
    }


def _same_hour(before: Sequence[LedgerEntry], days: int) -> Figures:
    withdrawn = [entry.amount for entry in before if entry.kind == "withdrawal"]
    return {
        "same_hour_mean_amount_numerator": str(sum(withdrawn)),
        "same_hour_mean_count_numerator": len(withdrawn),
        "same_hour_mean_denominator": days,
    }


def _outstanding(world: World) -> Iterator[tuple[str, Figures]]:
    entries = iter(sorted(world.ledger, key=lambda entry: entry.at))
    following = next(entries, None)
    vaults: dict[str, int] = defaultdict(int)
    escrows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    opened: dict[str, datetime] = {}
    for at in _hours(world):
        while following and following.at < at + HOUR:
            entry, (to_vault, to_escrow) = following, EFFECTS[following.kind]
            key = f"{entry.vault} {entry.mint}"
            vaults[key] += to_vault * entry.amount
            if to_escrow:
                escrows[key][entry.match_id] += to_escrow * entry.amount
                opened.setdefault(entry.match_id, entry.at)
            following = next(entries, None)
        if vaults:
            yield _name(at), {key: _vault(total, escrows[key], opened, at + HOUR) for key, total in vaults.items()}


def _vault(total: int, escrows: dict[str, int], opened: dict[str, datetime], end: datetime) -> Figures:
    still = {match_id: balance for match_id, balance in escrows.items() if balance}
    ages = [int((end - opened[match_id]).total_seconds()) for match_id in still]
    return {
        "escrow_balance": str(sum(still.values())),
        "holder_balance": str(total - sum(still.values())),
        "outstanding": str(total),
        "open_escrows": len(still),
        "oldest_escrow_opened_at": _name(min(opened[match_id] for match_id in still)) if still else None,
        "mean_age_seconds_numerator": sum(ages),
        "mean_age_seconds_denominator": len(ages),
    }


def _paused(world: World) -> Iterator[tuple[str, Figures]]:
    """From the first day with a pause on: pauses of paid matches, as the chain holds them."""
    calls = [
        (tx.at, PAUSES[call.instruction], call.args["match_id"])
        for tx in world.transactions
        for call in tx.calls
        if tx.success and call.program == "skill_match" and call.instruction in PAUSES
    ]
    spans: list[list[Any]] = []
    for at, kind, match_id in calls:
        if kind == "pause_events":
            spans.append([match_id, at, world.end])
        else:
            next(span for span in reversed(spans) if span[0] == match_id)[2] = at
    first = min((at.date() for at, _, _ in calls), default=date.max)
    for start in _hours(world):
        end = start + HOUR
        if start.date() >= first:
            yield (
                _name(start),
                {
                    "paused_at_end": sum(begun < end <= over for _, begun, over in spans),
                    **{kind: sum(start <= at < end and kind == k for at, k, _ in calls) for kind in PAUSES.values()},
                    "paused_seconds": sum(_overlap(start, end, begun, over) for _, begun, over in spans),
                },
            )


def _overlap(start: datetime, end: datetime, begun: datetime, over: datetime) -> int:
    return max(int((min(end, over) - max(start, begun)).total_seconds()), 0)


def _payouts(world: World, day: date) -> dict[str, Figures]:
    matches = {match.match_id: match for match in world.matches}
    prizes = [entry for entry in world.ledger if entry.kind == "prize_distributed"]
    paid_at = {entry.match_id: entry.at for entry in prizes}
    found = {}
    for mint in sorted({match.mint for match in world.matches if match.mint}):
        paid = [entry for entry in prizes if entry.mint == mint and entry.at.date() == day]
        waits = [int((entry.at - matches[entry.match_id].ended_at).total_seconds()) for entry in paid]
        due = [
            match
            for match in world.matches
            if match.mint == mint and match.status == "completed" and match.ended_at.date() == day
            if match.ended_at + DEADLINE <= world.end
        ]
        if paid or due:
            found[mint] = {
                "payouts": len(paid),
                "payout_amount": str(sum(entry.amount for entry in paid)),
                "time_to_payout_p50_seconds": percentile(waits, 50) if waits else None,
                "time_to_payout_p95_seconds": percentile(waits, 95) if waits else None,
                "time_to_payout_max_seconds": max(waits, default=None),
                "timed_payouts": len(waits),
                "settlements_due": len(due),
                "settlements_missed": sum(
                    not (match.match_id in paid_at and paid_at[match.match_id] <= match.ended_at + DEADLINE)
                    for match in due
                ),
                "paid_twice": 0,  # the simulated platform pays every match once
                "overpaid": 0,  # and no more than its pot: an escrow below zero would stop it
            }
    return found
