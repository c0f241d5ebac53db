"""The simulated skill-match platform: one call gives the whole deterministic world.

Example::

    world = build_world()                       # 2026-10-05 .. 2026-10-09, seed 7
    world.ledger[0].amount                      # int base units

The values are in sandbox.model and are re-exported here; the rules that produce them are in sandbox.simulation.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sandbox.model import (
    BASE_SLOT,
    MONEY_KINDS,
    Action,
    Call,
    Dispute,
    EventPlan,
    FrozenSpan,
    KycChange,
    LedgerEntry,
    Match,
    MatchChange,
    PausedSpan,
    Rent,
    TokenMove,
    TxPlan,
    User,
    World,
)
from sandbox.simulation import TROUBLES, Simulation

START = datetime(2026, 10, 5, tzinfo=UTC)
DAYS = 4
SEED = 7


def build_world(start: datetime = START, days: int = DAYS, seed: int = SEED, troubles: Collection[str] = ()) -> World:
    """Simulate the platform over [start, start + days).

    `start` must be a UTC midnight (metrics are per UTC day) and `days` at least 1, with `troubles` (some of
    simulation.TROUBLES) at least 3; else ValueError.
    The same arguments give the same world, value for value.
    """
    if start.utcoffset() is None or start.utcoffset().total_seconds() or start.time() != datetime.min.time():
        raise ValueError(f"start must be midnight UTC, not {start!r}")
    if days < 1:
        raise ValueError(f"days must be at least 1, not {days}")
    if troubles and days < 3:
        raise ValueError(f"days must be at least 3 for {', '.join(sorted(troubles))}, not {days}")
    return Simulation(start, days, seed, sorted(troubles)).run()


__all__ = [
    "BASE_SLOT",
    "DAYS",
    "MONEY_KINDS",
    "SEED",
    "START",
    "TROUBLES",
    "Action",
    "Call",
    "Dispute",
    "EventPlan",
    "FrozenSpan",
    "KycChange",
    "LedgerEntry",
    "Match",
    "MatchChange",
    "PausedSpan",
    "Rent",
    "TokenMove",
    "TxPlan",
    "User",
    "World",
    "build_world",
]
