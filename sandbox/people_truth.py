"""Ground truth of M18 and M22: who was active, came back, was verified or frozen, and who withdrew beyond a limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from sandbox.addresses import SKILL_MINT, USDC_MINT
from sandbox.audit_log import from_ms
from sandbox.model import LedgerEntry, World
from sandbox.payments_account import PaymentAction

LIMITS = {
    "0": {USDC_MINT: 0, SKILL_MINT: 0},
    "1": {USDC_MINT: 25_000_000, SKILL_MINT: 100_000_000_000},
    "2": {USDC_MINT: 100_000_000, SKILL_MINT: 400_000_000_000},
}
"""Base units a UTC day by tier and mint; tier 3 has none. The same as thresholds.kyc_withdrawal_limits."""
SMALLEST_GROUP = 5  # thresholds.minimum_group
Figures = dict[str, Any]


def people_truth(world: World, payments: Sequence[PaymentAction]) -> dict[str, dict[str, Figures]]:
    """{"days": {"2026-10-05": {"M18": {"users": figures, "retention": {"1": figures, ...}}, "M22": {"tiers": {tier:
    figures}, "withdrawals": {"mint tier": figures}}}}}: figures by the name of their column, amounts as int strings.
    """
    active = _active(world, payments)
    days = {}
    for start in world.days():
        day = start.date()
        days[day.isoformat()] = {
            "M18": {"users": _users(world, active, day), "retention": _retention(world, active, day)},
            "M22": {"tiers": _tiers(world, day), "withdrawals": _withdrawals(world, day)},
        }
    return {"days": days}


def _active(world: World, payments: Sequence[PaymentAction]) -> dict[date, set[str]]:
    """Users by the days on which the audit log names them as the actor."""
    uids = {user.uid for user in world.users}
    found: dict[date, set[str]] = defaultdict(set)
    for action in world.actions:
        if action.actor in uids:
            found[action.at.date()].add(action.actor)
    for payment in payments:
        if payment.uid:
            found[from_ms(payment.handled_ms).date()].add(payment.uid)
    return found


def _users(world: World, active: dict[date, set[str]], day: date) -> Figures:
    first = world.start.date()
    before = [day - timedelta(days=n) for n in range(1, 8) if day - timedelta(days=n) >= first]

    def within(span: int) -> int:
        return len(set().union(*(active.get(day - timedelta(days=n), set()) for n in range(span))))

    return {
        "daily_active": within(1),
        "weekly_active": within(7),
        "monthly_active": within(30),
        "mean_daily_active_numerator": sum(len(active[each]) for each in before) if before else None,
        "mean_daily_active_denominator": len(before),
        "new_users": sum(user.created_at.date() == day for user in world.users),
        "registered_users": sum(user.created_at.date() <= day for user in world.users),
        "mean_rating_numerator": None,
        "mean_rating_denominator": None,
    }


def _retention(world: World, active: dict[date, set[str]], day: date) -> Figures:
    cohort = {user.uid for user in world.users if user.created_at.date() == day}
    last = world.days()[-1].date()
    found = {}
    for n in (1, 7, 30):
        later = day + timedelta(days=n)
        retained = len(cohort & active[later]) if later <= last else None
        found[str(n)] = {"cohort_size": len(cohort), "retained_users": retained}
    return found if cohort else {}


def _tiers(world: World, day: date) -> Figures:
    """Users there at the day's end, by tier."""
    end = _end(world, day)
    found: dict[str, Figures] = {}
    for user in world.users:
        if user.created_at >= end:
            continue
        last = end - timedelta(microseconds=1)
        told = found.setdefault(
            str(user.kyc_tier_at(last)), dict.fromkeys(("users", "frozen_users", "newly_frozen_users"), 0)
        )
        told["users"] += 1
        told["frozen_users"] += user.frozen_at(last)
        told["newly_frozen_users"] += any(span.frozen_at.date() == day for span in user.frozen_spans)
    return found


def _withdrawals(world: World, day: date) -> Figures:
    groups: dict[tuple[str, str], list[tuple[str, int, int | None]]] = defaultdict(list)
    withdrawn: dict[tuple[str, str], int] = defaultdict(int)
    users = {user.uid: user for user in world.users}
    for entry in _of_day(world.ledger, day):
        tier = str(users[entry.uid].kyc_tier_at(entry.at))
        withdrawn[entry.uid, entry.mint] += entry.amount
        limit = LIMITS.get(tier, {}).get(entry.mint)
        over = None if limit is None else max(min(entry.amount, withdrawn[entry.uid, entry.mint] - limit), 0)
        groups[entry.mint, tier].append((entry.uid, entry.amount, over))
    return {f"{mint} {tier}": _group(told, LIMITS.get(tier, {}).get(mint)) for (mint, tier), told in groups.items()}


def _group(told: Sequence[tuple[str, int, int | None]], limit: int | None) -> Figures:
    people = {uid for uid, _, _ in told}
    over_people = {uid for uid, _, over in told if over}
    amount = sum(amount for _, amount, _ in told)
    over_amount = sum(over or 0 for _, _, over in told)
    few, few_over = len(people) < SMALLEST_GROUP, 0 < len(over_people) < SMALLEST_GROUP
    return {
        "withdrawals": len(told),
        "users": len(people),
        "amount": None if few else str(amount),
        "amount_is_suppressed": few,
        "limit_per_user": None if limit is None else str(limit),
        "withdrawals_over_limit": None if limit is None else sum(bool(over) for _, _, over in told),
        "users_over_limit": None if limit is None else len(over_people),
        "amount_over_limit": None if limit is None or few_over else str(over_amount),
        "over_is_suppressed": few_over,
    }


def _of_day(ledger: Iterable[LedgerEntry], day: date) -> list[LedgerEntry]:
    return [entry for entry in ledger if entry.kind == "withdrawal" and entry.at.date() == day]


def _end(world: World, day: date) -> Any:
    return next(start for start in world.days() if start.date() == day) + timedelta(days=1)
