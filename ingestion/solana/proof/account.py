"""The balance proof of one account over a window, for a person: recomputed from what is held, earlier proofs aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from google.cloud.bigquery import ScalarQueryParameter

from ingestion.base import Context
from ingestion.solana.history.coverage import Interval, read_coverage
from ingestion.solana.proof.inputs import reported_balances, watched
from ingestion.solana.proof.proof import Proof, prove
from warehouse.window import Window

_SLOTS = """
    select
        min(slot) as earliest_slot,
        min(if(block_time >= @start and block_time < @end, slot, null)) as first_slot,
        max(if(block_time >= @start and block_time < @end, slot, null)) as last_slot
    from raw.solana_signatures
    where address = @address and slot between @from_slot and @to_slot
"""


class NotWatched(ValueError):
    """The account is none of the platform's own."""


def prove_account(ctx: Context, address: str, window: Window) -> list[Proof]:
    """Proofs of the account's tokens and lamports over each covered stretch of the window; [] where none is covered.

    Raises NotWatched.
    """
    accounts = [account for account in watched(ctx.config.own) if account.address == address]
    if not accounts:
        known = ", ".join(sorted(ctx.config.own.own_addresses()))
        raise NotWatched(f"{address} is none of the platform's own addresses ({known})")
    reported = reported_balances(ctx, accounts)
    proofs = []
    for interval in read_coverage(ctx).get(address, []):
        stretch = _stretch(ctx, address, interval, window)
        for account in accounts if stretch else ():
            if (proof := prove(ctx, account, *stretch, reported.get(account))) is not None:
                proofs.append(proof)
    return proofs


def _stretch(ctx: Context, address: str, interval: Interval, window: Window) -> tuple[int, int] | None:
    """The interval's slots that lie in the window: its own ends where the window reaches beyond them."""
    parameters = [
        ScalarQueryParameter("address", "STRING", address),
        ScalarQueryParameter("from_slot", "INT64", interval.from_slot),
        ScalarQueryParameter("to_slot", "INT64", interval.to_slot),
        ScalarQueryParameter("start", "TIMESTAMP", window.start),
        ScalarQueryParameter("end", "TIMESTAMP", window.end),
    ]
    (row,) = ctx.query(_SLOTS, parameters)
    if row["first_slot"] is None:
        return None
    is_first = row["earliest_slot"] == row["first_slot"]
    is_last = interval.to_time is None or window.end >= interval.to_time
    return (interval.from_slot if is_first else row["first_slot"]), (interval.to_slot if is_last else row["last_slot"])


def report(address: str, window: Window, proofs: Sequence[Proof]) -> Iterator[str]:
    """Lines for a person."""
    if not proofs:
        yield f"{address}: nothing of it is covered in {window}"
    for proof in proofs:
        found, account = proof.found, proof.account
        what = f"{account.kind} of mint {proof.mint}" if proof.mint else account.kind
        yield f"{address} ({account.role}), {what}: {_RESULT[proof.result]}"
        yield f"  slots {proof.from_slot} to {proof.to_slot}, {found.transactions} transactions"
        yield f"  opens with {_amount(found.opening, proof)} ({_SOURCE[proof.opening_source]})"
        yield f"  closes with {_amount(found.closing, proof)}"
        if proof.reported:
            yield f"  the chain reports {_amount(proof.reported.amount, proof)} at slot {proof.reported.slot}"
        for item in proof.breaks:
            after = f"{item.after} (slot {item.after_slot})" if item.after else "the beginning"
            before = item.before if item.before else "the balance that the chain reports"
            yield f"  BREAK of {_amount(item.amount, proof)}"
            yield f"    after  {after}: {_amount(item.expected, proof)}"
            yield f"    before {before} (slot {item.before_slot}): {_amount(item.found, proof)}"


_RESULT = {
    "proved": "proved, no transaction is missing",
    "open": "continuous, but no reported balance closes it",
    "broken": "BROKEN, transactions are missing",
}
_SOURCE = {
    "zero": "its first transaction is held",
    "first_transaction": "as the first transaction of the stretch states",
    "proof": "from the proof before it",
}


def _amount(amount: int | None, proof: Proof) -> str:
    """Base units, and the same in whole units where the decimals are known."""
    if amount is None:
        return "nothing"
    if proof.decimals is None:
        return f"{amount} base units"
    unit = "lamports" if proof.account.kind == "native" else "base units"
    return f"{amount} {unit} ({Decimal(amount).scaleb(-proof.decimals):f})"
