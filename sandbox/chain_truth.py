"""Ground truth of what the chain's own figures come to: transactions, fees, compute units, events, native balances.

It is taken from the plans and from what the nodes were told to keep, never from what a warehouse decodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox import addresses as a
from sandbox.chain import SimulatedChain
from sandbox.chain_program import PROGRAM_IDS
from sandbox.chain_render import ChainTx
from sandbox.chain_view import Commitments
from sandbox.model import TxPlan
from sandbox.worker_truth import percentile

OWN = {
    a.PROGRAM_ID: "program",
    a.FEE_PAYER: "fee_payer",
    **dict.fromkeys(a.TREASURY_ACCOUNTS.values(), "treasury"),
    **dict.fromkeys(a.VAULTS.values(), "vault"),
}
"""The platform's own accounts, as the configuration lists them."""

KINDS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "DepositMade": (("deposit", "amount"),),
    "EntryPaid": (("entry", "amount"),),
    "MatchSettled": (("prize_distributed", "prize"), ("fee_collected", "fee")),
    "EntryRefunded": (("refund", "amount"),),
    "WithdrawalMade": (("withdrawal", "amount"),),
    "MatchCreated": (("escrow_created", None),),
    "MatchCompleted": (("completed", None),),
    "MatchCancelled": (("cancelled", None),),
    "MatchPaused": (("paused", None),),
    "MatchResumed": (("resumed", None),),
    "DisputeOpened": (("dispute_opened", None),),
    "DisputeResolved": (("dispute_resolved", None),),
}
"""What an event of the program means, and the field whose amount must not be zero for it to mean that."""

BASELINE_DAYS = 30
Figures = dict[str, Any]


def chain_truth(chain: SimulatedChain, known: Commitments) -> dict[str, dict[str, Figures]]:
    """{"days": {"2026-10-05": {"M1", "M2", "M8"}}, "hours": {"2026-10-05T10:00:00Z": {"M1", "M2", "M6", "M8"}},
    "five_minutes": {"2026-10-05T10:05:00Z": {"M1", "M8"}}}, of the final transactions that name an own account.

    M1 and M2 are keyed "scope program instruction", M6 by account, M8 by canonical kind, "(all)" for all of them.
    """
    final = [
        tx
        for tx in chain.transactions
        if known.status(tx.signature) == "finalized" and not OWN.keys().isdisjoint(tx.keys)
    ]
    days, hours, minutes = (_split(final, cut) for cut in (_day, _hour, _five_minutes))
    told = {
        "days": {_name(day)[:10]: _amounts(txs) | {"M8": _events(txs, with_rates=True)} for day, txs in days.items()},
        "hours": {_name(hour): _amounts(txs) | {"M8": _events(txs, with_rates=True)} for hour, txs in hours.items()},
        "five_minutes": {_name(at): {"M1": _counts(txs), "M8": _events(txs)} for at, txs in minutes.items()},
    }
    _add_rolling(told["hours"], hours, final)
    for cut, span in ((days, "days"), (hours, "hours")):
        for at in cut:
            name = _name(at)[:10] if span == "days" else _name(at)
            told[span][name]["M2"] = _with_baselines(told[span][name]["M2"], at, final)
    for hour, balances in _native(chain, final).items():
        told["hours"].setdefault(hour, {})["M6"] = balances
    return told


def _keys(plan: TxPlan) -> list[str]:
    """The rows that a transaction counts in: of all, of its program, of its instruction."""
    program, instruction = _primary(plan)
    return ["all (all) (all)", f"program {program} (all)", f"instruction {program} {instruction}"]


def _primary(plan: TxPlan) -> tuple[str, str]:
    """Program and instruction of the first call of the program that ran, relayed or not; else the first call's."""
    for call in _run(plan, also_written=True):
        if call.program == "skill_match":
            return a.PROGRAM_ID, call.instruction
    return PROGRAM_IDS[plan.calls[0].program], "(unknown)"


def _run(plan: TxPlan, also_written: bool = False) -> Iterable[Any]:
    """The calls up to the one that failed; `also_written` those behind it that the message itself names."""
    failed = False
    for call in plan.calls:
        if not failed or (also_written and not call.via_executor):
            yield call
        failed = failed or call.error is not None


def _by_key(txs: Sequence[ChainTx]) -> dict[str, list[ChainTx]]:
    found: dict[str, list[ChainTx]] = defaultdict(list)
    for tx in txs:
        for key in _keys(tx.plan):
            found[key].append(tx)
    return found


def _counts(txs: Sequence[ChainTx]) -> Figures:
    return {
        key: {"transactions": len(held), "failures": sum(not tx.plan.success for tx in held)}
        for key, held in _by_key(txs).items()
    }


def _amounts(txs: Sequence[ChainTx]) -> Figures:
    of_fees = {key: _spread([tx.meta["fee"] for tx in held]) for key, held in _by_key(txs).items()}
    of_units = {key: _spread([tx.meta["computeUnitsConsumed"] for tx in held]) for key, held in _by_key(txs).items()}
    return {"M1": _counts(txs), "M2": {key: {"fee": of_fees[key], "units": of_units[key]} for key in of_fees}}


def _spread(values: Sequence[int]) -> dict[str, int]:
    shares = {f"p{share}": percentile(values, share) for share in (50, 95, 99)}
    return {"total": sum(values), "count": len(values), "min": min(values), "max": max(values), **shares}


def _add_rolling(hours: dict[str, Figures], cut: Iterable[datetime], final: Sequence[ChainTx]) -> None:
    """Transactions and failures of the 24 hours that end with each hour."""
    for hour in cut:
        since, until = hour - timedelta(hours=23), hour + timedelta(hours=1)
        rolling = _counts([tx for tx in final if since <= tx.plan.at < until])
        for key, figures in hours[_name(hour)]["M1"].items():
            figures |= {f"{name}_24h": value for name, value in rolling[key].items()}


def _with_baselines(figures: Figures, at: datetime, final: Sequence[ChainTx]) -> Figures:
    """Fees of the days before; without any there is no baseline."""
    day = _day(at)
    before = _by_key([tx for tx in final if day - timedelta(days=BASELINE_DAYS) <= tx.plan.at < day])
    for key, told in figures.items():
        held = before.get(key, [])
        told["baseline"] = {
            "numerator": sum(tx.meta["fee"] for tx in held) if held else None,
            "denominator": len(held) or None,
            "days": len({_day(tx.plan.at) for tx in held}),
        }
    return figures


def _events(txs: Sequence[ChainTx], with_rates: bool = False) -> Figures:
    """Events by kind, counted and reverted; `(all)` together, with what is made of several kinds."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"events": 0, "reverted": 0})
    for tx in txs:
        for call in _run(tx.plan):
            for event in call.events if call.program == "skill_match" else ():
                for kind, amount in KINDS.get(event.name, ()):
                    if amount is None or event.fields[amount]:
                        found[kind]["events" if tx.plan.success else "reverted"] += 1
    if with_rates and found:
        created, cancelled, disputes = (
            found[kind]["events"] if kind in found else 0 for kind in ("escrow_created", "cancelled", "dispute_opened")
        )
        together = {name: sum(figures[name] for figures in found.values()) for name in ("events", "reverted")}
        found["(all)"] = together | {"created": created, "cancelled": cancelled, "disputes": disputes}
    return dict(found)


def _native(chain: SimulatedChain, final: Sequence[ChainTx]) -> dict[str, Figures]:
    """Lamports of each own account at the end of every hour from its first transaction on, and the hour's change."""
    found: dict[str, Figures] = defaultdict(dict)
    for account, kind in OWN.items():
        posts = [(tx.plan.at, tx.meta["postBalances"][tx.keys.index(account)]) for tx in final if account in tx.keys]
        hour, held = _hour(posts[0][0]) if posts else chain.world.end, 0
        while hour < chain.world.end:
            inside = [balance for at, balance in posts if hour <= at < hour + timedelta(hours=1)]
            closing = inside[-1] if inside else held
            found[_name(hour)][account] = {
                "kind": kind, "closing": closing, "change": closing - held, "transactions": len(inside)
            }  # fmt: skip
            hour, held = hour + timedelta(hours=1), closing
    return found


def _split(txs: Sequence[ChainTx], cut: Callable[[datetime], datetime]) -> dict[datetime, list[ChainTx]]:
    found: dict[datetime, list[ChainTx]] = defaultdict(list)
    for tx in txs:
        found[cut(tx.plan.at)].append(tx)
    return found


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _five_minutes(at: datetime) -> datetime:
    return at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)


def _name(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
