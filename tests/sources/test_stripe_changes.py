"""Stripe read window by window while the account goes on: what the warehouse holds in the end is the account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from stripe_server import END, LANDING, START, Server, context
from stripe_server import served as stripe_server

from ingestion import run
from ingestion.base import Context, NewObject
from ingestion.stripe import SOURCE
from ingestion.stripe.feed import Named, named
from ingestion.stripe.land import land
from ingestion.stripe.reach import Held, Reach, reach
from ingestion.tables import table_names
from sandbox.stripe_store import StripeStore
from warehouse.config import load_config
from warehouse.window import Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOWS = [Window(START + n * DAY / 2, START + (n + 1) * DAY / 2) for n in range(8)]
LAST = Window(END, END + HOUR)
"""The hour after the account's last day: what became visible late is found by its overlap."""

MOVES = {
    "charges": ("status", "amount", "amount_refunded", "refunded", "disputed", "balance_transaction", "livemode"),
    "payment_intents": ("status", "amount_received", "latest_charge"),
    "refunds": ("status", "amount", "charge"),
    "disputes": ("status", "amount", "charge"),
    "payouts": ("status", "amount", "arrival_date"),
    "balance_transactions": ("amount", "fee", "net", "currency", "source"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    with stripe_server() as server:
        yield server


@pytest.fixture
def ctx(embedded, served) -> Iterator[Context]:
    served.reset()
    yield context(served.url)
    client = run.context(load_config()).client
    client.query(f"delete from ops.objects where starts_with(uri, '{LANDING}')").result()
    for table in (*(name for name in table_names() if name.startswith("stripe_")), "quarantine"):
        client.query(f"delete from raw.{table} where starts_with(_object_uri, '{LANDING}')").result()


def read(window: Window, ctx: Context) -> None:
    run.land(SOURCE, window, ctx, "t")
    run.load(SOURCE, window, ctx, "t")


def newest(ctx: Context, resource: str) -> dict[str, dict[str, Any]]:
    """Id -> the newest version of an object, as staging takes it."""
    rows = ctx.query(
        f"select * from raw.stripe_{resource} qualify row_number() over (partition by account, id, _event_date "
        "order by read_through desc, _landed_at desc, _object_uri desc, _line desc) = 1"
    )
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def assert_holds(ctx: Context, store: StripeStore, server: Server) -> None:
    """The newest versions are the objects of the account, field by field, and nothing else."""
    for resource, names in MOVES.items():
        held = {
            identity: {name: json.loads(row["record"]).get(name) for name in names}
            for identity, row in newest(ctx, resource).items()
        }
        shown = [*server.payments.objects[resource], *(_test_charges(store, server) if resource == "charges" else ())]
        now = [store.get(resource, item["id"]) for item in shown]
        assert held == {item["id"]: {name: item.get(name) for name in names} for item in now if item}, resource
    expected = {
        ctx.pseudonym(item["id"], "customer"): (item["created"], store.get("customers", item["id"]).get("deleted"))
        for item in server.payments.objects["customers"]
        if store.get("customers", item["id"])
    }
    rows = newest(ctx, "customers")
    assert {key: (int(row["created"].timestamp()), row["deleted"]) for key, row in rows.items()} == expected


def _test_charges(store: StripeStore, server: Server) -> list[dict[str, Any]]:
    made = (store.get("charges", f"{item['id']}Test") for item in server.payments.objects["charges"])
    return [item for item in made if item]


def test_windows_read_one_after_the_other_end_as_the_account(ctx, served):
    """Late events, doubled events, deleted customers, test objects, and objects that arrive between two pages."""
    faults = {
        "seed": 4,
        "late_events": {"share": 0.3, "minutes": 45},
        "duplicate_events": 0.2,
        "deleted_customers": 0.4,
        "test_mode_charges": 3,
        "arrives_between_pages": {"objects": 2},
    }
    for window in (*WINDOWS, LAST):
        served.show(as_of=window.end, **faults)
        read(window, ctx)
    store = served.show(**faults)
    assert_holds(ctx, store, served)
    events = newest(ctx, "events")
    assert len(events) == store.count("events")
    assert sum(not row["livemode"] for row in newest(ctx, "charges").values()) == 3
    deleted = sum(bool(row["deleted"]) for row in newest(ctx, "customers").values())
    assert deleted == 18
    # Each window once more, in another order: nothing that was held is lost.
    for window in (LAST, WINDOWS[5], WINDOWS[2]):
        read(window, ctx)
    assert_holds(ctx, store, served)


def test_an_event_of_the_overlap_that_is_held_costs_no_second_look(ctx, served):
    served.show(as_of=WINDOWS[3].end)
    read(WINDOWS[2], ctx)
    read(WINDOWS[3], ctx)
    served.requests.clear()
    again = run.land(SOURCE, WINDOWS[3], ctx, "t")
    assert again == 0
    overlap = (WINDOWS[3].start - HOUR).timestamp()
    named_there = {
        event["data"]["object"]["id"]
        for event in served.payments.events
        if overlap <= event["created"] < WINDOWS[3].start.timestamp()
    }
    assert len(named_there) > 3
    since = {
        item.id
        for event in served.payments.events
        if WINDOWS[3].start.timestamp() <= event["created"] < WINDOWS[3].end.timestamp()
        for item in named(event)
    }
    asked = {path.rsplit("/", 1)[1] for path in served.retrieved()}
    assert asked
    assert asked <= since


def test_left_out_windows_are_read_with_the_next_one(ctx, served):
    served.show(as_of=WINDOWS[0].end)
    read(WINDOWS[0], ctx)
    store = served.show()
    read(WINDOWS[7], ctx)
    assert_holds(ctx, store, served)


def test_a_window_that_broke_off_is_not_taken_for_read(ctx, served):
    served.show(as_of=WINDOWS[0].end)
    read(WINDOWS[0], ctx)
    served.show(as_of=WINDOWS[1].end)

    def breaks(window: Window, ctx: Context) -> Iterator[NewObject]:
        for new in land(window, ctx):
            if new.dataset == "events":
                raise RuntimeError("killed")
            yield new

    with pytest.raises(RuntimeError):
        run.land(replace(SOURCE, land=breaks), WINDOWS[1], ctx, "t")
    store = served.show(as_of=WINDOWS[2].end)
    read(WINDOWS[2], ctx)
    assert_holds(ctx, store, served)


def test_after_a_gap_longer_than_the_feed_everything_is_listed_again(ctx, served):
    served.show(as_of=WINDOWS[2].end)
    read(Window(START, WINDOWS[2].end), ctx)
    late = END + timedelta(days=60)
    store = served.show(as_of=late)
    assert store.count("events") == 0
    read(Window(late - HOUR, late), ctx)
    assert_holds(ctx, store, served)


DAY_40 = Window(START + 40 * DAY, START + 41 * DAY)


@pytest.mark.parametrize(
    ("held", "newest_event", "expected"),
    [
        pytest.param(None, None, (40, 40, 40, 40), id="the first window ever"),
        pytest.param((0, 40), 41, (40, 39, 39, 40), id="the next window: the overlap of one day"),
        pytest.param((0, 50), 41, (40, 39, 39, 40), id="a window that was read before"),
        pytest.param((0, 38), 41, (38, 37, 37, 38), id="two days left out"),
        pytest.param((5, 11), 41, (11, 10, 10, 11), id="thirty days left out: the feed just reaches"),
        pytest.param((5, 10), 41, (5, 5, 9, 10), id="more: all is listed again"),
        pytest.param((5, 39), 70, (5, 5, 38, 39), id="the feed has moved on since"),
        pytest.param((5, 39), 75, (39, 38, 38, 39), id="a window of the past: a later one lists again"),
        pytest.param((5, 10), None, (5, 5, 9, 10), id="an empty feed"),
    ],
)
def test_where_the_reading_begins(held, newest_event, expected):
    def day(number: int) -> datetime:
        return START + number * DAY

    held = Held(*map(day, held)) if held else None
    newest_at = None if newest_event is None else day(newest_event)
    assert reach(DAY_40, held, newest_at, DAY) == Reach(*map(day, expected))


def test_what_an_event_names():
    def event(kind: str, **changed: Any) -> dict[str, Any]:
        return {"type": kind, "data": {"object": changed}}

    gone = event("customer.deleted", object="customer", id="cus_1", created=5)
    [item] = named(gone)
    assert (item, item.created) == (Named("customers", "cus_1"), 5)
    dispute = event("charge.dispute.closed", object="dispute", id="dp_1", created=7, charge={"id": "ch_1"})
    assert list(named(dispute)) == [Named("disputes", "dp_1"), Named("charges", "ch_1")]
    refund = event("refund.updated", object="refund", id="re_1", created=True, charge="ch_2")
    assert [(item.resource, item.id, item.created) for item in named(refund)] == [
        ("refunds", "re_1", None),
        ("charges", "ch_2", None),
    ]
    for nothing in (None, {}, {"data": {"object": []}}, event("plan.created", object="plan", id="plan_1")):
        assert list(named(nothing)) == []
