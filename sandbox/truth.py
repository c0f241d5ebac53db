"""The ground truth of a world: what each metric must come to, computed from its ledger and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.model import LedgerEntry, Match, World

# Effect of each kind on (vault, match escrow), as a sign.
EFFECTS = {
    "deposit": (1, 0),
    "entry": (0, 1),
    "prize_distributed": (0, -1),
    "fee_collected": (-1, -1),
    "refund": (0, -1),
    "withdrawal": (-1, 0),
}


def truth(world: World, payments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metrics per UTC day: {"days": {"2026-10-05": {"M3": ..., "M16": ..., "M17": ..., "M21": ...}, ...}}.

    Amounts are int strings in base units, counts are ints. M3 is as of the day's end: {"vaults": {vault: amount},
    "escrows": {match_id: {"mint", "balance"}} without empty ones, "tvl": {mint: amount}}. M16 counts matches created
    by their creation day, completed and cancelled by their ending day. M17 is per mint that moved on the day.
    `payments` gives M21 per day, {"2026-10-05": {currency: {...}}}; without it M21 is absent.
    """
    days = {}
    for day in world.days():
        until = day + timedelta(days=1)
        name = day.date().isoformat()
        figures: dict[str, Any] = {
            "M3": _escrow(entry for entry in world.ledger if entry.at < until),
            "M16": _matches(world.matches, day, until),
            "M17": _money([entry for entry in world.ledger if day <= entry.at < until]),
        }
        if payments is not None:
            figures["M21"] = payments.get(name, {})
        days[name] = figures
    return {"days": days}


def escrow_balances(world: World, effects: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, Any]]:
    """M3 per day, of a platform whose kinds have these effects on (vault, escrow)."""
    ends = ((day.date().isoformat(), day + timedelta(days=1)) for day in world.days())
    return {name: _escrow((entry for entry in world.ledger if entry.at < until), effects) for name, until in ends}


def money(world: World) -> dict[str, dict[str, dict[str, Any]]]:
    """M17 per day and mint."""
    days: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in world.ledger:
        days[entry.at.date().isoformat()].append(entry)
    return {name: _money(entries) for name, entries in days.items()}


def _escrow(entries: Iterable[LedgerEntry], effects: Mapping[str, tuple[int, int]] = EFFECTS) -> dict[str, Any]:
    vaults: defaultdict[str, int] = defaultdict(int)
    tvl: defaultdict[str, int] = defaultdict(int)
    escrows: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        to_vault, to_escrow = effects[entry.kind]
        vaults[entry.vault] += to_vault * entry.amount
        tvl[entry.mint] += to_vault * entry.amount
        if to_escrow:
            escrows[entry.match_id, entry.mint] += to_escrow * entry.amount
    return {
        "vaults": {vault: str(amount) for vault, amount in sorted(vaults.items())},
        "escrows": {
            match_id: {"mint": mint, "balance": str(amount)}
            for (match_id, mint), amount in sorted(escrows.items())
            if amount
        },
        "tvl": {mint: str(amount) for mint, amount in sorted(tvl.items())},
    }


def _matches(matches: Sequence[Match], day: datetime, until: datetime) -> dict[str, int]:
    created = [m for m in matches if day <= m.created_at < until]
    ended = [m for m in matches if m.ended_at is not None and day <= m.ended_at < until]
    return {
        "created": len(created),
        "paid": sum(m.kind == "paid" for m in created),
        "free": sum(m.kind == "free" for m in created),
        "completed": sum(m.status == "completed" for m in ended),
        "cancelled": sum(m.status == "cancelled" for m in ended),
    }


def _money(entries: Sequence[LedgerEntry]) -> dict[str, dict[str, Any]]:
    by_mint: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_mint[entry.mint].append(entry)
    return {mint: _money_of(rows) for mint, rows in sorted(by_mint.items())}


def _money_of(entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    amounts: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        amounts[entry.kind] += entry.amount
        counts[entry.kind] += 1
    return {
        "entry_volume": str(amounts["entry"]),
        "entry_count": counts["entry"],
        "prize_volume": str(amounts["prize_distributed"]),
        "fee_revenue": str(amounts["fee_collected"]),
        "refunds": str(amounts["refund"]),
        "deposits": str(amounts["deposit"]),
        "withdrawals_amount": str(amounts["withdrawal"]),
        "withdrawals_count": counts["withdrawal"],
        "withdrawals_users": len({entry.uid for entry in entries if entry.kind == "withdrawal"}),
        "net_deposits": str(amounts["deposit"] - amounts["withdrawal"]),
        "mean_entry": {"numerator": str(amounts["entry"]), "denominator": counts["entry"]},
    }


def add_figures(told: dict[str, Any], more: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Put further metrics beside those of the same day, hour or bucket: {"hours": {"2026-10-05T13:00:00Z": {...}}}."""
    for span, cells in more.items():
        held = told.setdefault(span, {})
        for name, figures in cells.items():
            held.setdefault(name, {}).update(figures)
