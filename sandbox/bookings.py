"""When the platform books a transaction in its off-chain ledger: some time after it is final."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sandbox.model import World


def booking_delays(world: World, rng: Random) -> dict[int, timedelta]:
    """tx_index -> time from the transaction's block to its booking; all entries of a transaction are booked at once.

    Drawn in the order of the ledger, so the same `rng` gives the same times wherever they are asked for.
    """
    delays: dict[int, timedelta] = {}
    for entry in world.ledger:
        if entry.tx_index not in delays:
            delays[entry.tx_index] = timedelta(milliseconds=rng.randint(13_000, 40_000))
    return delays
