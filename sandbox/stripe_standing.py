"""A simulated Stripe account as it stood at an instant, with what the configured faults make of it."""

from __future__ import annotations

from sandbox.payments_account import DAY, Payments
from sandbox.stripe_faults import StripeFaults
from sandbox.stripe_movements import event as event_of
from sandbox.stripe_shapes import Object
from sandbox.stripe_store import StripeStore

FEED_REACHES = 30 * DAY
"""Seconds that the events feed reaches back from `as_of`."""


def standing(payments: Payments, balance: Object, faults: StripeFaults) -> StripeStore:
    """The account at `faults.as_of`: objects as they were then, and the events that were visible."""
    until = faults.until
    gone = _deleted(payments, faults)
    objects = {
        resource: [
            _as_it_was(obj, payments, until)
            for obj in held
            if (until is None or obj["created"] < until) and obj["id"] not in gone
        ]
        for resource, held in payments.objects.items()
    }
    test_charges = _test_charges(payments, faults)
    objects["charges"] += [charge for charge in test_charges if until is None or charge["created"] < until]
    objects["charges"].sort(key=lambda charge: charge["created"])
    unlisted = {"customers": [{"id": identity, "object": "customer", "deleted": True} for identity in gone]}
    events = [*payments.events, *_deletions(payments, gone), *map(_of_test_mode, test_charges)]
    events += [
        event | {"id": f"{event['id']}Twin"}
        for event in payments.events
        if faults.chosen("duplicate_events", event["id"], faults.duplicate_events)
    ]
    events.sort(key=lambda event: event["created"])
    visible = [
        event
        for event in events
        if until is None or until - FEED_REACHES <= event["created"] < until - _lateness(event, faults)
    ]
    return StripeStore({**objects, "events": visible}, balance, payments.payout_of, unlisted=unlisted)


def _as_it_was(obj: Object, payments: Payments, until: int | None) -> Object:
    if until is None:
        return obj
    if obj["object"] == "balance_transaction":
        return obj | {"status": "available" if obj["available_on"] < until else "pending"}
    return [shown for when, shown in payments.versions[obj["id"]] if when < until][-1]


def _lateness(event: Object, faults: StripeFaults) -> int:
    late = faults.late_events
    return 60 * late.minutes if late and faults.chosen("late_events", event["id"], late.share) else 0


def _deleted(payments: Payments, faults: StripeFaults) -> dict[str, int]:
    """Customer id -> when it was deleted, half a day after its creation; of those that are deleted by now."""
    end = max(event["created"] for event in payments.events)
    until = end if faults.until is None else min(faults.until - 1, end)
    return {
        customer["id"]: customer["created"] + DAY // 2
        for customer in payments.objects["customers"]
        if customer["created"] + DAY // 2 <= until
        and faults.chosen("deleted_customers", customer["id"], faults.deleted_customers)
    }


def _deletions(payments: Payments, gone: dict[str, int]) -> list[Object]:
    held = {customer["id"]: customer for customer in payments.objects["customers"]}
    return [
        event_of(f"evt_1Gone{identity[4:]}", "customer.deleted", when, held[identity], None, None)
        for identity, when in gone.items()
    ]


def _test_charges(payments: Payments, faults: StripeFaults) -> list[Object]:
    paid = [charge for charge in payments.objects["charges"] if charge["paid"]]
    change = {"livemode": False, "balance_transaction": None}
    return [charge | change | {"id": f"{charge['id']}Test"} for charge in paid[: faults.test_mode_charges]]


def _of_test_mode(charge: Object) -> Object:
    shown = event_of(f"evt_1{charge['id'][3:]}", "charge.succeeded", charge["created"], charge, None, None)
    return shown | {"livemode": False}
