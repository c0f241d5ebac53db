"""The other simulated platforms: a job platform with arbiters, and an exchange of in-app units to tokens.

They are small, two days long, and have no faults of their own but the RPC providers'. What they export lies below the
home as the skill-match platform's does, and truth.json has the same shape, with the metrics that they have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import job_operations
from sandbox.bucket import EXPORTS, Buckets
from sandbox.escrow_truth import escrow_truth, event_truth, under
from sandbox.exchange_documents import exchange_objects
from sandbox.exchange_truth import exchange_truth
from sandbox.exchange_world import build_exchange_world
from sandbox.home import claim, write, write_state
from sandbox.job_world import build_job_world
from sandbox.model import World
from sandbox.truth import add_figures, escrow_balances, money
from sandbox.world import SEED, START

PROFILES = ("job_escrow", "token_exchange")
DAYS = 2
EFFECTS = {"deposit": (1, 1), "prize_distributed": (-1, -1), "fee_collected": (-1, -1), "refund": (-1, -1)}
"""Effect of a job platform's kinds on (vault, escrow): no balance of a user lies between."""


def prepare_other(home: Path, profile: str, days: int = DAYS, seed: int = SEED) -> World:
    """Build the platform's world, deliver its exports below `home`, and write truth.json. Raises home.StartError."""
    claim(home, {"mode": "simulated", "profile": profile, "days": str(days), "seed": str(seed)})
    figures: dict[str, Any] = {}
    if profile == "job_escrow":
        world, files, sources = build_job_world(START, days, seed), {}, ("solana",)
        add_figures(figures, escrow_truth(world, job_operations.ARBITERS))
        add_figures(figures, {"days": under("M3", escrow_balances(world, EFFECTS))})
        add_figures(figures, {"days": under("M17", money(world))})
    else:
        exchange = build_exchange_world(START, days, seed)
        world, files, sources = exchange.world, exchange_objects(exchange), ("firebase", "solana")
        add_figures(figures, exchange_truth(exchange))
    add_figures(figures, event_truth(world))
    for key, body in files.items():
        Buckets(home).put(EXPORTS, key, body)
    write(home, "truth.json", figures)
    write_state(home, "simulated", (world.start, world.end), (), profile, sources=sources)
    return world
