"""What the programs of a simulated platform emitted, from the world's own plans: the base of M8's and M20's truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.chain_truth import KINDS
from sandbox.model import EventPlan, TxPlan, World

MEANINGS: dict[str, dict[str, tuple[tuple[str, str | None], ...]]] = {
    "skill_match": KINDS,
    "job_escrow": {
        "EscrowCreated": (("escrow_created", None),),
        "EscrowFunded": (("deposit", "amount"),),
        "WorkerAssigned": (("assigned", None),),
        "JobCompleted": (("completed", None),),
        "PaymentReleased": (("prize_distributed", "amount"), ("fee_collected", "fee")),
        "PaymentReturned": (("refund", "amount"),),
        "JobCancelled": (("cancelled", None),),
        "DisputeOpened": (("dispute_opened", None),),
        "DisputeRuled": (("dispute_resolved", None),),
        "PartyRated": (("rated", None),),
    },
    "token_exchange": {
        "ExchangeRequested": (("exchange_requested", None),),
        "ExchangeCompleted": (("exchange_completed", "amount"),),
        "ExchangeFailed": (("exchange_failed", None),),
        "FallbackUsed": (("exchange_fallback", None),),
    },
}
"""program -> its events -> what each means: (kind, field of the amount); a zero amount means nothing happened."""

RULINGS = {"UpholdWinner": "payee", "Refund": "payer", "ForEmployer": "payer", "ForWorker": "payee", "Split": "split"}


@dataclass(frozen=True)
class Happening:
    """One thing that a program's event says happened, or in a failed transaction did not (`counted` False)."""

    at: datetime  # block time
    slot: int
    kind: str
    escrow: str | None  # match, job or request
    mint: str | None
    counted: bool
    outcome: str | None = None  # payer | payee | split
    arbiter: str | None = None  # address


def happenings(world: World) -> list[Happening]:
    """In chain order; an event that left by two channels is one."""
    return [found for plan in world.transactions for found in _of_transaction(world.program, plan)]


def _of_transaction(program: str, plan: TxPlan) -> Iterator[Happening]:
    for call in plan.calls:
        if call.program == program:
            for event in call.events:
                for kind, amount in MEANINGS[program].get(event.name, ()):
                    if amount is None or event.fields[amount]:
                        yield _happening(plan, kind, event, call.accounts)
        if call.error is not None:
            return  # what follows a failing instruction never ran


def _happening(plan: TxPlan, kind: str, event: EventPlan, accounts: Any) -> Happening:
    fields = event.fields
    names = (fields.get(name) for name in ("match_id", "job_id", "request_id"))
    outcome = arbiter = None
    if kind == "dispute_resolved":
        ruling = fields["outcome"] if "outcome" in fields else fields["ruling"]
        outcome, arbiter = RULINGS[next(iter(ruling))], fields.get("arbiter") or accounts["authority"]
    escrow = next((name for name in names if name is not None), None)
    return Happening(plan.at, plan.slot, kind, escrow, fields.get("mint"), plan.success, outcome, arbiter)
