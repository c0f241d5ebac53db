"""M8 and M20: what happened to a simulated platform's escrows, by hour and day, from its happenings alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from sandbox.happenings import Happening, happenings
from sandbox.model import World

STEPS = {
    "escrow_created": "created",
    "deposit": "funded",
    "entry": "funded",
    "assigned": "assigned",
    "completed": "completed",
    "cancelled": "cancelled",
    "dispute_opened": "disputed",
    "dispute_resolved": "resolved",
}
ARBITER_DAYS = 90  # as the configuration has it
NORMAL_975 = Decimal("1.959963984540054235524594")  # 97.5 % quantile of the normal distribution
Bucket = Callable[[datetime], str]
Figures = dict[str, dict[str, dict[str, int]]]


def escrow_truth(world: World, listed: Collection[str], days: int = ARBITER_DAYS) -> dict[str, dict[str, Any]]:
    """M20 of a world: {"days" | "hours": {bucket: {"M20": ...}}, "arbiters": {arbiter: {...}}} (see below)."""
    found = happenings(world)
    return {
        "days": under("M20", escrow_life(found, day_of)),
        "hours": under("M20", escrow_life(found, hour_of)),
        "arbiters": arbiters(found, listed, world.end, days),
    }


def event_truth(world: World) -> dict[str, dict[str, Any]]:
    """M8 of a world: {"days" | "hours" | "five_minutes": {bucket: {"M8": ...}}}."""
    found = happenings(world)
    return {
        "days": under("M8", contract_events(found, day_of)),
        "hours": under("M8", contract_events(found, hour_of)),
        "five_minutes": under("M8", contract_events(found, five_minutes_of, with_rates=False)),
    }


def under(metric: str, told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{bucket: figures} as truth.json has a metric: {bucket: {metric: figures}}."""
    return {bucket: {metric: figures} for bucket, figures in told.items()}


def five_minutes_of(at: datetime) -> str:
    """The start of its five minutes as truth.json names it."""
    return f"{at.replace(minute=at.minute - at.minute % 5):%Y-%m-%dT%H:%M}:00Z"


def hour_of(at: datetime) -> str:
    """The hour as truth.json names it."""
    return f"{at:%Y-%m-%dT%H}:00:00Z"


def day_of(at: datetime) -> str:
    """The UTC day as truth.json names it."""
    return at.date().isoformat()


def contract_events(found: Iterable[Happening], bucket: Bucket, with_rates: bool = True) -> Figures:
    """M8: {bucket: {kind: {events, reverted}, "(all)": {events, reverted, created, cancelled, disputes}}}."""
    told: Figures = {}
    for one in found:
        kinds = told.setdefault(bucket(one.at), {})
        for kind in (one.kind, "(all)") if with_rates else (one.kind,):
            figures = kinds.setdefault(kind, {"events": 0, "reverted": 0})
            figures["events" if one.counted else "reverted"] += 1
    for kinds in told.values():
        if with_rates:
            names = {"created": "escrow_created", "cancelled": "cancelled", "disputes": "dispute_opened"}
            kinds["(all)"] |= {name: kinds.get(kind, {"events": 0})["events"] for name, kind in names.items()}
    return told


def lifecycle(found: Sequence[Happening]) -> list[tuple[str, str, Happening]]:
    """(step, mint, happening): each step of each escrow once, when it first happened; of rulings the last one holds."""
    mints = {one.escrow: one.mint for one in found if one.counted and one.escrow and one.mint}
    taken: dict[tuple[str, str], Happening] = {}
    for one in found:
        step = STEPS.get(one.kind)
        if one.counted and one.escrow and step and ((one.escrow, step) not in taken or step == "resolved"):
            taken[one.escrow, step] = one
    return [(step, mints[escrow], one) for (escrow, step), one in taken.items()]


def escrow_life(found: Sequence[Happening], bucket: Bucket) -> Figures:
    """M20: {bucket: {mint: {created, funded, ..., for_payer, for_payee, split, as_of_slot}}}, without empty ones."""
    told: Figures = defaultdict(dict)
    for step, mint, one in lifecycle(found):
        names = (*dict.fromkeys(STEPS.values()), "for_payer", "for_payee", "split", "as_of_slot")
        figures = told[bucket(one.at)].setdefault(mint, dict.fromkeys(names, 0))
        figures[step] += 1
        figures["as_of_slot"] = max(figures["as_of_slot"], one.slot)
        if step == "resolved":
            figures["split" if one.outcome == "split" else f"for_{one.outcome}"] += 1
    return dict(told)


def arbiters(
    found: Sequence[Happening], listed: Collection[str], end: datetime, days: int
) -> dict[str, dict[str, Any]]:
    """M20: {arbiter: {resolved, for_payer, for_payee, split, lower, upper, outside}} of the `days` before `end`.

    Arbiters who aren't `listed` share one entry, "unlisted". The bounds are text with six decimals.
    """
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for step, _, one in lifecycle(found):
        if step == "resolved" and one.arbiter and end - timedelta(days=days) <= one.at < end:
            told[one.arbiter if one.arbiter in listed else "unlisted"].update(("resolved", str(one.outcome)))
    return {arbiter: _arbiter(rulings) for arbiter, rulings in sorted(told.items())}


def _arbiter(rulings: Counter[str]) -> dict[str, Any]:
    payer, payee = rulings["payer"], rulings["payee"]
    bounds = wilson(payer, payer + payee) if payer + payee else None
    return {
        "resolved": rulings["resolved"],
        "for_payer": payer,
        "for_payee": payee,
        "split": rulings["split"],
        "lower": bounds and str(bounds[0]),
        "upper": bounds and str(bounds[1]),
        "outside": bounds and not bounds[0] <= Decimal("0.5") <= bounds[1],
    }


def wilson(successes: int, trials: int) -> tuple[Decimal, Decimal]:
    """95 % score interval of a proportion [Wilson 1927], to six decimals: the p with |p - x/n| = z sqrt(p (1 - p) / n).

    Raises ZeroDivisionError without trials.
    """
    with localcontext() as context:
        context.prec = 50
        n, p, z2 = Decimal(trials), Decimal(successes) / Decimal(trials), NORMAL_975**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = NORMAL_975 / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)).sqrt()
        six = Decimal("0.000001")
        return (
            max(Decimal(0), middle - reach).quantize(six, ROUND_HALF_UP),
            min(Decimal(1), middle + reach).quantize(six, ROUND_HALF_UP),
        )
