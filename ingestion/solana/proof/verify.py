"""Prove what is held, and read again what the proof misses: from every provider, with trust in none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ingestion.base import Context, NewObject
from ingestion.solana.history.coverage import between
from ingestion.solana.history.land import Found, landed, ndjson, reader_of, with_calls
from ingestion.solana.proof.continuity import Break
from ingestion.solana.proof.proof import Proof, prove_open
from ingestion.solana.proof.rows import proof_line
from ingestion.solana.rpc.pool import RpcPool
from warehouse.window import Window

TURNS = 2
"""Proofs of a run: as found, and once more after what was missing has been read again."""


def verify(window: Window, ctx: Context, turn: int) -> Iterator[NewObject]:
    """The proofs of this turn and, in every turn but the last, what a re-read of their breaks brought.

    Raises AllProvidersDown or WindowIncomplete when the re-read fails: the proofs are good, the breaks stay open.
    """
    proofs = prove_open(ctx)
    now = datetime.now(UTC)  # a fact about the proof, never an input of a figure
    if proofs:
        lines = [proof_line(proof, ctx.attempt_id, turn, now) for proof in proofs]
        yield NewObject("proofs", f"{window.slug}/{ctx.attempt_id}-{turn}", ndjson(lines), "warehouse:balance-proof")
    broken = [(proof, item) for proof in proofs for item in proof.breaks]
    if broken and turn + 1 < TURNS:
        yield from with_calls(window, ctx, lambda pool: _read_again(window, ctx, pool, broken))


def _read_again(
    window: Window, ctx: Context, pool: RpcPool, broken: Sequence[tuple[Proof, Break]]
) -> Iterator[NewObject]:
    """List the slots around each break at every provider, and land what nobody had shown before."""
    reader = reader_of(ctx, pool)
    found = []
    places = dict.fromkeys((proof.account.address, item.from_slot, item.before_slot) for proof, item in broken)
    for address, from_slot, to_slot in places:
        gap = between(ctx, address, from_slot, to_slot)
        listings = reader.list(address, gap, window, wanted=len(reader.providers))
        if listings:
            found.append(Found.of(address, listings))
    yield from landed(window, ctx, reader, found, "proof")
