"""The ground truth of a small world whose figures are worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sandbox import addresses
from sandbox.model import LedgerEntry, Match
from sandbox.truth import truth
from sandbox.world import START, build_world

USDC, SKILL = addresses.MINTS


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def entry(hours: float, kind: str, amount: int, match_id: str | None, uid: str | None, mint: str = USDC) -> LedgerEntry:
    return LedgerEntry("l", at(hours), kind, match_id, mint, addresses.VAULTS[mint], amount, uid, 0, 0)


def match(kind: str, created: float, ended: float | None, status: str) -> Match:
    when = None if ended is None else at(ended)
    return Match("m", kind, None, 0, 0, 2, (), at(created), None, when, status, None, (), (), ())


def test_truth_of_a_hand_made_world() -> None:
    made = replace(
        build_world(days=1),
        end=START + timedelta(days=2),
        matches=(
            match("paid", 1, 30, "completed"),
            match("paid", 2, 3, "cancelled"),
            match("free", 23.9, 24, "completed"),
            match("free", 24, None, "active"),
        ),
        ledger=(
            entry(0, "deposit", 100, None, "u1"),
            entry(1, "deposit", 50, None, "u2"),
            entry(2, "entry", 40, "m1", "u1"),
            entry(3, "entry", 41, "m1", "u2"),
            entry(4, "deposit", 7, None, "u1", SKILL),
            entry(23.99, "withdrawal", 9, None, "u1"),
            entry(24, "withdrawal", 1, None, "u1"),
            entry(25, "prize_distributed", 77, "m1", "u2"),
            entry(25, "fee_collected", 4, "m1", None),
            entry(26, "withdrawal", 60, None, "u2"),
            entry(26, "withdrawal", 2, None, "u2"),
            entry(27, "entry", 5, "m2", "u2"),
            entry(28, "refund", 5, "m2", "u2"),
            entry(29, "entry", 3, "m3", "u2"),
        ),
    )
    vault, other = addresses.VAULTS[USDC], addresses.VAULTS[SKILL]
    days = truth(made, {"2026-10-06": {"usd": {"gross": "5"}}})["days"]
    assert list(days) == ["2026-10-05", "2026-10-06"]
    assert days["2026-10-05"] == {
        "M3": {
            "vaults": {vault: "141", other: "7"},
            "escrows": {"m1": {"mint": USDC, "balance": "81"}},
            "tvl": {USDC: "141", SKILL: "7"},
        },
        "M16": {"created": 3, "paid": 2, "free": 1, "completed": 0, "cancelled": 1},
        "M17": {
            USDC: {
                "entry_volume": "81",
                "entry_count": 2,
                "prize_volume": "0",
                "fee_revenue": "0",
                "refunds": "0",
                "deposits": "150",
                "withdrawals_amount": "9",
                "withdrawals_count": 1,
                "withdrawals_users": 1,
                "net_deposits": "141",
                "mean_entry": {"numerator": "81", "denominator": 2},
            },
            SKILL: {
                "entry_volume": "0",
                "entry_count": 0,
                "prize_volume": "0",
                "fee_revenue": "0",
                "refunds": "0",
                "deposits": "7",
                "withdrawals_amount": "0",
                "withdrawals_count": 0,
                "withdrawals_users": 0,
                "net_deposits": "7",
                "mean_entry": {"numerator": "0", "denominator": 0},
            },
        },
        "M21": {},
    }
    second = days["2026-10-06"]
    assert second["M3"] == {
        "vaults": {vault: "74", other: "7"},
        "escrows": {"m3": {"mint": USDC, "balance": "3"}},
        "tvl": {USDC: "74", SKILL: "7"},
    }
    assert second["M16"] == {"created": 1, "paid": 0, "free": 1, "completed": 2, "cancelled": 0}
    assert list(second["M17"]) == [USDC]
    assert second["M17"][USDC] == {
        "entry_volume": "8",
        "entry_count": 2,
        "prize_volume": "77",
        "fee_revenue": "4",
        "refunds": "5",
        "deposits": "0",
        "withdrawals_amount": "63",
        "withdrawals_count": 3,
        "withdrawals_users": 2,
        "net_deposits": "-63",
        "mean_entry": {"numerator": "8", "denominator": 2},
    }
    assert second["M21"] == {"usd": {"gross": "5"}}
    assert "M21" not in truth(made)["days"]["2026-10-05"]
