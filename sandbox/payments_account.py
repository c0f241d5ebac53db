"""The books of the simulated Stripe account: its objects, events, balance, webhooks and the M21 tally."""

from __future__ import annotations

import copy
import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox import stripe_movements as move
from sandbox.stripe_shapes import Card, Ids, Object, Payer

DAY = 86_400
RESOURCES = ("customers", "payment_intents", "charges", "refunds", "disputes", "payouts", "balance_transactions")
TALLY_KEYS = [
    "gross",
    "refunds",
    "dispute_amount",
    "dispute_reversed",
    "disputes_opened",
    "disputes_won",
    "disputes_lost",
    "fees",
    "net",
    "payouts",
    "failed_payments",
    "charges_succeeded",
]

# What the platform's webhook handler subscribes to; each of these becomes one record of the `payments` audit stream.
AUDITED = frozenset(
    {
        "charge.succeeded",
        "charge.failed",
        "refund.created",
        "charge.dispute.created",
        "charge.dispute.closed",
        "payout.created",
        "payout.paid",
    }
)


@dataclass(frozen=True)
class PaymentAction:
    """A webhook the platform handled: becomes one audit record. Times are unix milliseconds."""

    event_id: str
    event_created_ms: int
    handled_ms: int
    action: str
    stripe_id: str
    uid: str | None
    amount: int
    currency: str


@dataclass
class Payments:
    """The simulated account: resource name -> objects, oldest first; `payout_of` maps txn id -> payout id.

    `versions`: id -> (unix time, the object as it was from then on), oldest first, of all but balance transactions.
    `days`: UTC day -> currency -> M21 figure -> int string in minor units (counts for the *_opened, ... figures).
    """

    objects: dict[str, list[Object]] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    actions: list[PaymentAction] = field(default_factory=list)
    payout_of: dict[str, str] = field(default_factory=dict)
    versions: dict[str, list[tuple[int, Object]]] = field(default_factory=dict)
    days: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


def day_of(created: int) -> str:
    """UTC day of a unix time, as YYYY-MM-DD."""
    return datetime.fromtimestamp(created, UTC).date().isoformat()


class Account:
    """A queue of things to happen, and the books they are written into. Times are unix seconds."""

    def __init__(self, payers: Sequence[Payer], start: int, end: int, seed: int) -> None:
        self.payers, self.start, self.end = list(payers), start, end
        self.rng = random.Random(f"stripe:{seed}")
        self.ids = Ids(self.rng)
        self.out = Payments(objects={name: [] for name in RESOURCES})
        self.customers: dict[str, tuple[str, Card]] = {}
        self.payer_of: dict[str, Payer] = {}
        self.tally: dict[tuple[str, str], dict[str, int]] = {}
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = itertools.count()

    def at(self, when: int, step: Callable[[int], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._order), step))

    def count(self, when: int, currency: str, **figures: int) -> None:
        kept = self.tally.setdefault((day_of(when), currency), dict.fromkeys(TALLY_KEYS, 0))
        for key, value in figures.items():
            kept[key] += value

    def add(self, resource: str, obj: Object) -> Object:
        self.out.objects[resource].append(obj)
        return obj

    def changed(self, when: int, obj: Object) -> None:
        """Note an object that changes with another one, without an event of its own."""
        self.out.versions.setdefault(obj["id"], []).append((when, copy.deepcopy(obj)))

    def announce(self, when: int, kind: str, obj: Object, previous: Object | None = None, api: bool = False) -> None:
        """Record the event of a change with the object as it is now; `api`: caused by a request of the platform."""
        request = self.ids.request() if api else None
        shown = copy.deepcopy(obj)
        self.out.versions.setdefault(obj["id"], []).append((when, shown))
        event = move.event(self.ids.new("evt"), kind, when, shown, previous, request)
        self.out.events.append(event)
        if kind not in AUDITED:
            return
        # One delivery in forty fails at first and is tried again minutes later.
        delay = self.rng.randint(400, 2_500) if self.rng.random() > 0.025 else self.rng.randint(120_000, 600_000)
        payer = self.payer_of.get(obj.get("charge") or obj["id"])
        self.out.actions.append(
            PaymentAction(
                event_id=event["id"],
                event_created_ms=when * 1000,
                handled_ms=when * 1000 + delay,
                action=kind,
                stripe_id=obj["id"],
                uid=payer.uid if payer else None,
                amount=obj["amount"],
                currency=obj["currency"],
            )
        )

    def book(
        self, when: int, source: Object, amount: int, fee: int, kind: tuple[str, str], *texts: str | None
    ) -> Object:
        """Move the balance; money becomes available at 00:00 UTC two days later, a payout takes it at once."""
        available = when if kind[0] == "payout" else when - when % DAY + 2 * DAY
        labels = (texts[0] or "", texts[1] if len(texts) > 1 else None)
        made = move.balance_transaction(
            self.ids.new("txn"), source["id"], amount, fee, source["currency"], when, available, kind, labels
        )
        return self.add("balance_transactions", made)

    def finish(self) -> Payments:
        while self._queue:
            when, _, step = heapq.heappop(self._queue)
            if when < self.end:
                step(when)
        for txn in self.out.objects["balance_transactions"]:
            txn["status"] = "available" if txn["available_on"] < self.end else "pending"
        for (day, currency), figures in sorted(self.tally.items()):
            self.out.days.setdefault(day, {})[currency] = {key: str(figures[key]) for key in TALLY_KEYS}
        return self.out
