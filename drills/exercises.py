"""Which faults are exercised, in which cycle each is there and is repaired, and what must come of it.

A cycle is one run of every DAG over a window. Faults that don't disturb each other share a cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.addresses import USDC_MINT

PAGER, CHAT, HOOK, HEARTBEAT = "pager", "chat", "hook", "heartbeat"
CRITICAL, HIGH = (PAGER, CHAT, HOOK), (CHAT, HOOK)


@dataclass(frozen=True)
class Cycle:
    """Window, the sandbox's faults, and the channels whose receiver answers 503 meanwhile."""

    start: str
    end: str
    faults: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """One fault. Cycles count from 1: in `raised` the alert must come, by the end of `gone` it must be resolved.

    `labels` are some of the alert's labels; `channels` those that must hear of it, each within the cycle. One that
    refuses must hear by the end of the next cycle, and another one in its place at once. `replayed`: tables that must
    hold more of the window when the fault is gone.
    """

    name: str
    title: str
    how: str
    rule: str
    channels: tuple[str, ...]
    raised: int
    gone: int
    runbooks: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    replayed: tuple[str, ...] = ()


FIRST, SECOND = ("2026-10-05T00:00:00Z", "2026-10-07T00:00:00Z"), ("2026-10-07T00:00:00Z", "2026-10-09T00:00:00Z")

CYCLES = (
    Cycle(*FIRST, ("withdrawal_spike", "late_settlement", "drop_audit_event"), (PAGER,)),
    Cycle(*SECOND, ("move_base_unit", "stripe_down")),
    Cycle(*SECOND, ("rpc_outage",)),
    Cycle(*SECOND),
)

EXERCISES = (
    Exercise(
        "withdrawal_spike", "Withdrawal spike",
        "A user moves money in and straight out again, 15 times in an evening's hour.",
        "withdrawal_spike", CRITICAL, 1, 2, ("withdrawal-spike.md",), {"mint": USDC_MINT},
    ),
    Exercise(
        "settlement_failed", "Settlement failure",
        "The prize of a finished match waits for 22 hours; then it is paid.",
        "settlement_failed", CRITICAL, 1, 2, ("settlement-failed.md",), {"kind": "unpaid"},
    ),
    Exercise(
        "audit_log_gap", "Audit-log gap",
        "The record of a deposit is held back; then it comes late, in an object of its own.",
        "audit_log_gap", CRITICAL, 1, 2, ("audit-log-gap.md",), {"day": "2026-10-06"},
    ),
    Exercise(
        "chargeback", "Stripe chargeback",
        "A card holder disputes a payment; the alert ends with the window in which no new dispute is opened.",
        "chargeback", HIGH, 1, 3, ("chargeback.md",), {"currency": "usd", "day": "2026-10-06"},
    ),
    Exercise(
        "failing_channel", "Failing channel",
        "The pager answers 503 for a whole cycle; another channel stands in and says so, and the pager hears later.",
        "withdrawal_spike", CRITICAL, 1, 2, ("incident-response.md",), {"mint": USDC_MINT},
    ),
    Exercise(
        "rpc_outage", "RPC outage: queued mode and replay",
        "Every RPC provider answers 503; what happened meanwhile waits on the chain and is read by the next run.",
        "rpc_outage", CRITICAL, 3, 4, ("rpc-outage.md", "solana-outage.md"), {}, ("staging.stg_solana__transactions",),
    ),
    Exercise(
        "source_silent", "Silent source",
        "Stripe's API answers 503: nothing of it after its deadline.",
        "source_silent", CRITICAL, 2, 3, ("source-silent.md",), {"source": "stripe"},
    ),
    Exercise(
        "escrow_mismatch", "Escrow mismatch",
        "One base unit leaves a vault behind the program's back; it is brought back during the RPC outage.",
        "escrow_mismatch", CRITICAL, 2, 4, ("escrow-mismatch.md",),
    ),
)  # fmt: skip
