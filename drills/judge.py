"""What came of an exercise, judged from what the cycles left and what the receivers got: a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drills.cycles import Left, Verified
from drills.exercises import Exercise
from drills.receivers import Receipt


@dataclass(frozen=True)
class Check:
    """One thing that must hold."""

    what: str
    holds: bool
    shown: str


@dataclass(frozen=True)
class Judged:
    """An exercise with its checks, its alert, what was told of it, and its runbooks' verification."""

    exercise: Exercise
    checks: tuple[Check, ...]
    alert: Mapping[str, Any] | None
    told: tuple[Mapping[str, Any], ...]
    verified: tuple[Verified, ...]

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return all(check.holds for check in self.checks)


def judge(
    exercise: Exercise, cycles: Sequence[Left], receipts: Sequence[Receipt], verified: Sequence[Verified]
) -> Judged:
    """The exercise against the evidence. `cycles` are all, in order."""
    raised, gone = cycles[exercise.raised - 1], cycles[exercise.gone - 1]
    ours = [item for item in verified if item.runbook in exercise.runbooks]
    found = [row for row in raised.alerts if _fits(exercise, row) and raised.started <= row["opened_at"]]
    if not found:
        missing = Check(f"alert {exercise.rule} in cycle {raised.number}", False, "there is none")
        return Judged(exercise, (missing,), None, (), tuple(ours))
    alert = found[0]
    after = next((row for row in gone.alerts if _same(row, alert)), alert)
    told = [row for row in cycles[-1].notifications if row["dedup_key"] == after["thread"]]
    checks = [
        Check(f"alert {exercise.rule} within one cycle", True, f"opened {_time(alert['opened_at'])} UTC"),
        *(_heard(channel, told, raised, cycles, receipts, alert) for channel in exercise.channels),
        *(_stood_in(channel, told, raised) for channel in exercise.channels if channel in raised.cycle.refusing),
        Check(
            f"resolved by the end of cycle {gone.number}", after["state"] == "resolved",
            f"resolved {_time(after['resolved_at'])} UTC" if after["resolved_at"] else f"is {after['state']}",
        ),
        *(_closed(channel, told, gone, receipts, alert) for channel in exercise.channels),
        *(_replayed(table, raised, gone) for table in exercise.replayed),
        *(
            Check(f"verification: {item.command}", item.exit_code == 0, f"ended {item.exit_code}")
            for item in ours
        ),
    ]  # fmt: skip
    return Judged(exercise, tuple(checks), after, tuple(told), tuple(ours))


def others(exercises: Sequence[Exercise], cycles: Sequence[Left]) -> list[Mapping[str, Any]]:
    """Alerts of the last state that belong to no exercise: what else the faults set off."""
    return [row for row in cycles[-1].alerts if not any(_fits(exercise, row) for exercise in exercises)]


def _fits(exercise: Exercise, row: Mapping[str, Any]) -> bool:
    return row["rule"] == exercise.rule and all(row["labels"].get(k) == v for k, v in exercise.labels.items())


def _same(row: Mapping[str, Any], alert: Mapping[str, Any]) -> bool:
    return (row["alert_key"], row["opened_at"]) == (alert["alert_key"], alert["opened_at"])


def _heard(
    channel: str, told: Sequence[Mapping[str, Any]], raised: Left, cycles: Sequence[Left],
    receipts: Sequence[Receipt], alert: Mapping[str, Any],
) -> Check:  # fmt: skip
    refused = channel in raised.cycle.refusing
    limit = cycles[min(raised.number, len(cycles) - 1)] if refused else raised
    sent = [row for row in told if (row["channel"], row["kind"], row["state"]) == (channel, "firing", "sent")]
    at = min((row["sent_at"] for row in sent), default=None)
    arrived = [item for item in receipts if _about(item, channel, alert) and at is not None and item.at <= limit.ended]
    when = f"within cycle {limit.number}" + (", after it refused" if refused else "")
    holds = at is not None and at <= limit.ended and bool(arrived)
    return Check(f"{channel} heard {when}", holds, f"sent {_time(at)} UTC" if at else "nothing was sent")


def _stood_in(channel: str, told: Sequence[Mapping[str, Any]], raised: Left) -> Check:
    instead = [
        row for row in told
        if row["instead_of"] == channel and row["state"] == "sent" and row["sent_at"] <= raised.ended
    ]  # fmt: skip
    shown = ", ".join(sorted({row["channel"] for row in instead})) or "no channel"
    return Check(f"another channel stood in for {channel} within cycle {raised.number}", bool(instead), shown)


def _closed(
    channel: str, told: Sequence[Mapping[str, Any]], gone: Left, receipts: Sequence[Receipt], alert: Mapping[str, Any]
) -> Check:
    sent = [row for row in told if (row["channel"], row["kind"], row["state"]) == (channel, "resolved", "sent")]
    at = min((row["sent_at"] for row in sent), default=None)
    arrived = [item for item in receipts if _about(item, channel, alert) and at is not None and _says_over(item)]
    holds = at is not None and at <= gone.ended and bool(arrived)
    return Check(f"{channel} heard that it is over", holds, f"sent {_time(at)} UTC" if at else "nothing was sent")


def _replayed(table: str, raised: Left, gone: Left) -> Check:
    before, after = raised.rows[table], gone.rows[table]
    return Check(
        f"what waited during the outage is read after it ({table})",
        before < after,
        f"{before} rows, {after} rows",
    )


def _about(receipt: Receipt, channel: str, alert: Mapping[str, Any]) -> bool:
    """Whether a channel took a message about the alert: by its thread, or where the form has none by its runbook."""
    if receipt.channel != channel or receipt.status >= 300:
        return False
    return (
        alert["thread"] is not None and alert["thread"] in receipt.text
    ) or f"runbooks/{alert['runbook']}" in receipt.text


def _says_over(receipt: Receipt) -> bool:
    return "resolve" in receipt.text.lower()


def _time(at: datetime | None) -> str:
    return at.strftime("%H:%M:%S") if at else "-"
