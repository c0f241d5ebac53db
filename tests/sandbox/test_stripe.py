"""The sandbox's Stripe API, read with the official library, against the simulation's own tally."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
import stripe
from starlette.applications import Starlette

from sandbox.connection import BreakableApp
from sandbox.control import stripe_control
from sandbox.payments import simulate
from sandbox.payments_account import DAY, TALLY_KEYS, Payments
from sandbox.serving import running
from sandbox.stripe_api import API_KEY, stripe_routes
from sandbox.stripe_provider import PLATFORM, StripeBoard
from sandbox.stripe_shapes import API_VERSION, Payer
from sandbox.stripe_standing import standing
from sandbox.stripe_store import RESOURCES, StripeStore

START = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())
END = START + 4 * DAY
PAYERS = [Payer(f"u{n:04d}", f"Name {n}", f"n{n}@example.org", START - 1) for n in range(1, 41)]
COUNTS = {
    "customers": 40,
    "payment_intents": 204,
    "charges": 204,
    "refunds": 13,
    "disputes": 2,
    "payouts": 6,
    "balance_transactions": 216,
    "events": 696,
}


@pytest.fixture(scope="module")
def payments() -> Payments:
    return simulate(PAYERS, START, END, seed=7)


@pytest.fixture(scope="module")
def url(payments: Payments) -> Iterator[str]:
    store = StripeStore({**payments.objects, "events": payments.events}, {"object": "balance"}, payments.payout_of)
    with running(Starlette(routes=stripe_routes(store))) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(API_KEY, base_addresses={"api": f"{url}/stripe"}, stripe_version=API_VERSION)


def everything(client: stripe.StripeClient, resource: str, **params: object) -> list[stripe.StripeObject]:
    return list(getattr(client.v1, resource).list({"limit": 100, **params}).auto_paging_iter())


def raw(url: str, path: str, key: str | None = API_KEY, **headers: str) -> httpx.Response:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return httpx.get(f"{url}/stripe/v1/{path}", headers=headers)


@pytest.mark.parametrize("resource", sorted(RESOURCES))
def test_paging_gives_each_object_once_newest_first(
    client: stripe.StripeClient, payments: Payments, resource: str
) -> None:
    listed = everything(client, resource)
    made = payments.events if resource == "events" else payments.objects[resource]
    assert len(listed) == COUNTS[resource]
    assert [obj.id for obj in listed] == [obj["id"] for obj in reversed(made)]
    assert [obj.created for obj in listed] == sorted((obj["created"] for obj in made), reverse=True)
    assert len({obj.id for obj in listed}) == len(listed)
    last = listed[-1]
    assert getattr(client.v1, resource).retrieve(last.id).to_dict() == made[0]


def test_small_pages_in_both_directions(client: stripe.StripeClient) -> None:
    refunds = [refund.id for refund in everything(client, "refunds")]
    default = client.v1.refunds.list()
    assert [r.id for r in default.data] == refunds[:10]
    assert default.has_more is True
    after = client.v1.refunds.list({"limit": 5, "starting_after": refunds[9]})
    assert [r.id for r in after.data] == refunds[10:13]
    assert after.has_more is False
    before = client.v1.refunds.list({"limit": 3, "ending_before": refunds[9]})
    assert [r.id for r in before.data] == refunds[6:9]
    assert before.has_more is True
    assert [r.id for r in everything(client, "refunds", limit=3)] == refunds
    first = client.v1.refunds.list({"limit": 4, "ending_before": refunds[3]})
    assert [r.id for r in first.data] == refunds[:3]
    assert first.has_more is False


def test_created_filters_are_exact_at_their_bounds(client: stripe.StripeClient) -> None:
    days = [everything(client, "charges", created={"gte": at, "lt": at + DAY}) for at in range(START, END, DAY)]
    assert sum(map(len, days)) == COUNTS["charges"]
    middle = everything(client, "charges")[100]
    assert middle.id in {c.id for c in everything(client, "charges", created={"gte": middle.created})}
    assert middle.id not in {c.id for c in everything(client, "charges", created={"gt": middle.created})}
    assert middle.id in {c.id for c in everything(client, "charges", created={"lte": middle.created})}
    assert middle.id not in {c.id for c in everything(client, "charges", created={"lt": middle.created})}
    assert middle.id in {c.id for c in everything(client, "charges", created=middle.created)}


def test_figures_recomputed_from_the_api_equal_the_tally(client: stripe.StripeClient, payments: Payments) -> None:
    figures: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(TALLY_KEYS, 0))

    def of(obj: stripe.StripeObject) -> dict[str, int]:
        return figures[datetime.fromtimestamp(obj.created, UTC).date().isoformat(), obj.currency]

    for txn in everything(client, "balance_transactions"):
        assert txn.net == txn.amount - txn.fee
        assert txn.fee == sum(part.amount for part in txn.fee_details)
        day = of(txn)
        if txn.type == "payout":
            day["payouts"] -= txn.amount
            continue
        day["fees"] += txn.fee
        day["net"] += txn.net
        day["gross"] += txn.amount if txn.type == "charge" else 0
        day["refunds"] -= txn.amount if txn.type == "refund" else 0
        day["dispute_amount"] -= txn.amount if txn.reporting_category == "dispute" else 0
        day["dispute_reversed"] += txn.amount if txn.reporting_category == "dispute_reversal" else 0
    for charge in everything(client, "charges"):
        of(charge)["charges_succeeded" if charge.status == "succeeded" else "failed_payments"] += 1
    for dispute in everything(client, "disputes"):
        of(dispute)["disputes_opened"] += 1
        of(dispute)[f"disputes_{dispute.status}"] += 1
    told = {
        (day, currency): {key: int(value) for key, value in values.items()}
        for day, by_currency in payments.days.items()
        for currency, values in by_currency.items()
    }
    assert figures == told
    assert len(told) == 12  # four days, three currencies


def test_a_day_in_figures(payments: Payments) -> None:
    assert payments.days["2026-10-06"]["usd"] == {
        "gross": "80462",
        "refunds": "7497",
        "dispute_amount": "499",
        "dispute_reversed": "0",
        "disputes_opened": "1",
        "disputes_won": "1",
        "disputes_lost": "0",
        "fees": "4971",
        "net": "67495",
        "payouts": "0",
        "failed_payments": "2",
        "charges_succeeded": "38",
    }
    assert payments.days["2026-10-07"]["jpy"]["payouts"] == "10810"
    assert payments.days["2026-10-06"]["kwd"]["refunds"] == "3020"
    assert simulate(PAYERS, START, END, seed=7).days == payments.days
    assert simulate(PAYERS, START, END, seed=8).days != payments.days


def test_a_won_dispute_gives_the_money_and_the_fee_back(client: stripe.StripeClient) -> None:
    won, lost = sorted(everything(client, "disputes"), key=lambda dispute: dispute.status, reverse=True)
    assert (won.status, won.currency, lost.status, lost.currency) == ("won", "usd", "lost", "jpy")
    assert [(t.amount, t.fee, t.net) for t in won.balance_transactions] == [(-499, 1500, -1999), (499, -1500, 1999)]
    assert [(t.amount, t.fee, t.reporting_category) for t in lost.balance_transactions] == [(-800, 1500, "dispute")]
    kinds = [e.type for e in everything(client, "events", type="charge.dispute.*") if e.data.object.id == won.id]
    assert kinds[::-1] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert client.v1.charges.retrieve(won.charge).disputed is True


def test_payouts_are_the_sum_of_their_transactions(client: stripe.StripeClient) -> None:
    for payout in everything(client, "payouts"):
        moved = everything(client, "balance_transactions", payout=payout.id)
        assert sum(t.net for t in moved if t.type != "payout") == payout.amount
        assert [t.net for t in moved if t.type == "payout"] == [-payout.amount]
        assert {t.currency for t in moved} == {payout.currency}
        assert all(t.available_on <= payout.created for t in moved)


def test_events_hold_the_object_as_it_was(client: stripe.StripeClient, payments: Payments) -> None:
    refunded = next(c for c in everything(client, "charges") if 0 < c.amount_refunded < c.amount)
    succeeded = [e for e in everything(client, "events", type="charge.succeeded") if e.data.object.id == refunded.id]
    assert [(e.created, e.data.object.amount_refunded) for e in succeeded] == [(refunded.created, 0)]
    both = everything(client, "events", types=["charge.succeeded", "charge.failed"])
    assert len(both) == COUNTS["charges"]
    assert {e.api_version for e in both} == {API_VERSION}
    assert len(payments.actions) == 230
    assert all(0 < action.handled_ms - action.event_created_ms <= 600_000 for action in payments.actions)


def test_three_decimal_amounts_end_in_zero_as_stripe_wants(client: stripe.StripeClient) -> None:
    amounts = {c.amount for c in everything(client, "charges") if c.currency == "kwd"}
    assert amounts == {3080, 6050}


def test_other_filters_and_expansion(client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.list({"limit": 1}).data[0]
    assert [r.id for r in everything(client, "refunds", charge=refund.charge)] == [refund.id]
    assert len(everything(client, "balance_transactions", currency="kwd", type="payout")) == 2
    expanded = client.v1.refunds.list({"limit": 1, "expand": ["data.charge", "data.charge.customer"]}).data[0]
    assert (expanded.charge.id, expanded.charge.customer.object) == (refund.charge, "customer")
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(nonsense\)"):
        client.v1.refunds.retrieve(refund.id, {"expand": ["nonsense"]})


def test_keys(url: str) -> None:
    wrong = stripe.StripeClient("rk_somebody_elses_key", base_addresses={"api": f"{url}/stripe"})
    with pytest.raises(stripe.AuthenticationError) as refused:
        wrong.v1.charges.list()
    assert refused.value.http_status == 401
    assert refused.value.user_message == "Invalid API Key provided: rk_someb*********_key"
    none = raw(url, "charges", key=None)
    assert none.status_code == 401
    assert none.json()["error"]["message"].startswith("You did not provide an API key.")
    assert httpx.get(f"{url}/stripe/v1/charges", auth=(API_KEY, "")).status_code == 200
    reading = stripe.StripeClient(API_KEY, base_addresses={"api": f"{url}/stripe"})
    with pytest.raises(stripe.PermissionError):
        reading.v1.customers.create({"email": "x@example.org"})


@pytest.mark.parametrize(
    ("path", "status", "code", "param"),
    [
        ("charges/ch_nothing", 404, "resource_missing", "id"),
        ("charges?starting_after=ch_nothing", 400, "resource_missing", "starting_after"),
        ("charges?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("charges?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("charges?limit=ten", 400, "parameter_invalid_integer", "limit"),
        ("charges?created[gte]=monday", 400, "parameter_invalid_integer", "created[gte]"),
        ("charges?created[after]=1", 400, "parameter_unknown", "created[after]"),
        ("charges?status=succeeded", 400, "parameter_unknown", "status"),
        ("charges?starting_after=a&ending_before=b", 400, None, None),
        ("invoices", 404, None, None),
    ],
)
def test_errors_in_stripes_form(url: str, path: str, status: int, code: str | None, param: str | None) -> None:
    answer = raw(url, path)
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error.get("param")) == (status, code, param)
    assert error["type"] == "invalid_request_error"


def test_headers_and_body_form(url: str) -> None:
    answer = raw(url, "balance", **{"Stripe-Version": "2025-01-27.acacia"})
    assert answer.headers["Stripe-Version"] == "2025-01-27.acacia"
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.text == json.dumps({"object": "balance"}, indent=2)
    assert raw(url, "balance").headers["Stripe-Version"] == API_VERSION
    assert raw(url, "balance", **{"Stripe-Version": "soon"}).status_code == 400


@pytest.fixture
def controlled(payments: Payments) -> Iterator[tuple[str, stripe.StripeClient]]:
    """The API with its control route."""
    board = StripeBoard({PLATFORM: partial(standing, payments, {"object": "balance"})})
    app = BreakableApp(routes=[*stripe_routes(board), stripe_control(board)])
    with running(app) as address:
        client = stripe.StripeClient(API_KEY, base_addresses={"api": f"{address}/stripe"}, max_network_retries=0)
        yield f"{address}/control/stripe", client


def put(address: str, **settings: object) -> None:
    httpx.put(address, json=settings).raise_for_status()


def test_the_account_as_it_stood(controlled: tuple, payments: Payments) -> None:
    """Objects are shown as the last event before the instant shows them; disputes, refunds and payouts go on after."""
    control, client = controlled
    until = START + DAY + 75_000  # the dispute of the second day is open
    put(control, as_of=datetime.fromtimestamp(until, UTC).isoformat())
    told = [event for event in payments.events if event["created"] < until]
    seen = {event["data"]["object"]["id"]: event["data"]["object"] for event in told}
    for resource in ("payment_intents", "refunds", "disputes", "payouts", "customers"):
        shown = {obj.id: obj.to_dict() for obj in everything(client, resource)}
        held = {item["id"] for item in payments.objects[resource]}
        assert shown == {identity: obj for identity, obj in seen.items() if identity in held}, resource
    [dispute] = [item for item in everything(client, "disputes") if item.currency == "usd"]
    assert dispute.status == "needs_response"
    assert client.v1.charges.retrieve(dispute.charge).disputed is True
    assert len(everything(client, "events")) == len(told)
    put(control, as_of=datetime.fromtimestamp(END + 31 * DAY, UTC).isoformat())
    assert everything(client, "events") == []  # the feed goes back thirty days
    assert len(everything(client, "charges")) == COUNTS["charges"]


def test_late_and_doubled_events_deleted_customers_and_test_objects(controlled: tuple, payments: Payments) -> None:
    control, client = controlled
    end = datetime.fromtimestamp(END, UTC).isoformat()
    put(control, as_of=end, late_events={"share": 1, "minutes": 60})
    assert {e.id for e in everything(client, "events")} == {
        event["id"] for event in payments.events if event["created"] < END - 3600
    }
    put(control, seed=1, duplicate_events=0.25, deleted_customers=0.5, test_mode_charges=2)
    events = everything(client, "events")
    twins = [event.id for event in events if event.id.endswith("Twin")]
    assert 100 < len(twins) < 250
    gone = [event.data.object.id for event in events if event.type == "customer.deleted"]
    assert 10 < len(gone) < 30
    left = {customer.id for customer in everything(client, "customers")}
    assert left == {item["id"] for item in payments.objects["customers"]} - set(gone)
    assert client.v1.customers.retrieve(gone[0]).to_dict() == {"id": gone[0], "object": "customer", "deleted": True}
    charges = everything(client, "charges")
    assert [charge.livemode for charge in charges].count(False) == 2
    assert len(charges) == COUNTS["charges"] + 2


def test_faults_strike_and_are_counted(controlled: tuple) -> None:
    control, client = controlled
    put(control, rate_limited={"first": 1, "retry_after": 3}, server_error={"first": 2, "statuses": [503]})
    with pytest.raises(stripe.RateLimitError) as limited:
        client.v1.charges.list()
    assert (limited.value.http_status, limited.value.headers["Retry-After"]) == (429, "3")
    with pytest.raises(stripe.APIError) as failed:
        client.v1.charges.list()
    assert failed.value.http_status == 503
    assert client.v1.charges.list().has_more is True
    put(control, reset_mid_page={"methods": ["charges"]})
    with pytest.raises(stripe.APIConnectionError, match=r"IncompleteRead|Connection broken"):
        client.v1.charges.list()
    assert client.v1.refunds.list().has_more is True
    put(control, arrives_between_pages={"objects": 2})
    first, second = (client.v1.charges.list({"limit": 10}) for _ in range(2))
    assert len({charge.id for charge in second.data} - {charge.id for charge in first.data}) >= 1
    told = httpx.get(control).json()
    assert (told["requests"], told["injected"]) == (2, {"arrives_between_pages": 1})
    refused = httpx.put(control, json={"rate_limited": {"share": 2}})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("Stripe faults: rate_limited.share:")
