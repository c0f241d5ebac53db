"""Stripe -> landing over real HTTP against the sandbox's API, also when the way there is bad."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from ingestion import run
from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.stripe import SOURCE
from ingestion.stripe.land import land
from sandbox.payments import simulate
from sandbox.payments_account import DAY, Payments
from sandbox.serving import running
from sandbox.stripe_api import API_KEY, stripe_routes
from sandbox.stripe_shapes import Payer
from sandbox.stripe_store import StripeStore
from warehouse.config import load_config
from warehouse.window import Window

START = datetime(2026, 10, 5, tzinfo=UTC)
WHOLE = Window(START, START + timedelta(days=4))
DAYS = [Window(START + timedelta(days=n), START + timedelta(days=n + 1)) for n in range(4)]
LANDING = "gs://sources-stripe-landing"


class Way:
    """An ASGI application with a bad connection to it: each planned mishap befalls one request."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.mishaps: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((f"{scope['path']}?{scope['query_string'].decode()}", headers))
        mishap = self.mishaps.pop(0) if self.mishaps else ""
        if mishap.isdigit():
            body = json.dumps({"error": {"message": "try later", "type": "api_error"}}).encode()
            await send({"type": "http.response.start", "status": int(mishap), "headers": []})
            await send({"type": "http.response.body", "body": body})
        elif mishap:
            await self._app(scope, receive, self._spoiled(send, mishap))
        else:
            await self._app(scope, receive, send)

    @staticmethod
    def _spoiled(send: Any, mishap: str) -> Callable[[Any], Any]:
        async def half(message: Any) -> None:
            if message["type"] == "http.response.start" and mishap == "not json":
                message["headers"] = [item for item in message["headers"] if item[0] != b"content-length"]
            if message["type"] == "http.response.body":
                message["body"] = message["body"][: len(message["body"]) // 2]  # less than Content-Length says
            await send(message)

        return half


@pytest.fixture(scope="module")
def payments() -> Payments:
    payers = [Payer(f"u{n:04d}", f"Name {n}", f"n{n}@example.org", int(START.timestamp()) - 1) for n in range(1, 41)]
    return simulate(payers, int(START.timestamp()), int(START.timestamp()) + 4 * DAY, seed=7)


@pytest.fixture(scope="module")
def served(payments: Payments) -> Iterator[tuple[Way, str]]:
    store = StripeStore({**payments.objects, "events": payments.events}, {"object": "balance"}, payments.payout_of)
    way = Way(Starlette(routes=stripe_routes(store)))
    with running(way) as url:
        yield way, f"{url}/stripe"


@pytest.fixture
def ctx(embedded, served) -> Iterator[Context]:
    way, url = served
    way.requests.clear()
    way.mishaps.clear()
    yield context(url)
    run.context(load_config()).client.query(f"delete from ops.objects where starts_with(uri, '{LANDING}')").result()


def context(url: str, secrets: Callable[[str], str | None] = lambda name: API_KEY, **settings: Any) -> Context:
    config = load_config()
    stripe = config.sources.stripe.model_copy(update={"api_base": url, "max_network_retries": 2, **settings})
    sources = config.sources.model_copy(update={"stripe": stripe})
    config = config.model_copy(update={"sources": sources, "landing": LANDING})
    return replace(run.context(config), secrets=secrets)


def by_slice(objects: Iterator[NewObject]) -> dict[tuple[str, str], NewObject]:
    return {(item.dataset, item.name): item for item in objects}


def ids(new: NewObject) -> list[str]:
    """Ids of the objects in a landed object, in its order."""
    found = []
    for line in new.body.splitlines():
        answer = json.loads(json.loads(line)["body"])
        found += [item["id"] for item in answer.get("data", [answer])]
    return found


def test_a_window_is_landed_whole_page_by_page_as_received(ctx, served, payments):
    objects = by_slice(land(WHOLE, ctx))
    assert {key[0] for key in objects} == set(ctx.config.sources.stripe.resources)
    for (resource, name), new in objects.items():
        assert name == "20261005T000000Z_20261009T000000Z"
        expected = payments.events if resource == "events" else payments.objects[resource]
        assert sorted(ids(new)) == sorted(item["id"] for item in expected)
    first = json.loads(objects["charges", WHOLE.slug].body.splitlines()[0])
    assert first["request"] == "/v1/charges?limit=100&created[gte]=1791158400&created[lt]=1791504000"
    assert (first["api_version"], first["account"]) == ("2026-08-26.dahlia", "default")
    assert len(json.loads(first["body"])["data"]) == 100
    assert len(objects["charges", WHOLE.slug].body.splitlines()) == 3
    way, _ = served
    assert {headers["stripe-version"] for _, headers in way.requests} == {"2026-08-26.dahlia"}
    assert not any(API_KEY.encode() in new.body for new in objects.values())


def test_the_same_answers_give_the_same_bytes(ctx):
    assert by_slice(land(WHOLE, ctx)) == by_slice(land(WHOLE, ctx))


def test_days_land_what_was_created_in_them_and_what_changed_of_older_objects(ctx, payments):
    created = {item["id"]: item["created"] for items in payments.objects.values() for item in items}
    for window in DAYS:
        objects = by_slice(land(window, ctx))
        start, end = window.start.timestamp(), window.end.timestamp()
        listed = {object_id for (_, slot), new in objects.items() if slot == window.slug for object_id in ids(new)}
        later = {name: ids(new) for (name, slot), new in objects.items() if slot == f"{window.slug}.changed"}
        changed = {(name, object_id) for name in later for object_id in later[name]}
        of_the_day = [event for event in payments.events if start <= event["created"] < end]
        expected = {
            (f"{event['data']['object']['object']}s", event["data"]["object"]["id"])
            for event in of_the_day
            if created[event["data"]["object"]["id"]] < start
        }
        assert changed == expected
        assert listed == {
            *(object_id for object_id, at in created.items() if start <= at < end),
            *(event["id"] for event in of_the_day),
        }
    assert any(slot.endswith(".changed") for window in DAYS for _, slot in by_slice(land(window, ctx)))


def test_an_empty_answer_is_landed_only_where_data_was_before(ctx, served):
    quiet = Window(START - timedelta(days=9), START - timedelta(days=8))
    assert list(land(quiet, ctx)) == []
    with_data = NewObject("charges", quiet.slug, b'{"request":"x","body":"{}"}\n', "stripe://default/v1/charges")
    run.land(replace(SOURCE, land=lambda window, ctx: iter([with_data])), quiet, ctx, "t")
    assert [(new.dataset, new.name) for new in land(quiet, ctx)] == [("charges", quiet.slug)]


@pytest.mark.parametrize("mishap", ["429", "503", "broken off", "not json"])
def test_a_mishap_in_the_middle_of_a_page_loses_nothing(ctx, served, mishap):
    way, _ = served
    settings = ctx.config.sources.stripe.model_copy(update={"resources": ["charges"]})
    config = ctx.config.model_copy(update={"sources": ctx.config.sources.model_copy(update={"stripe": settings})})
    only_charges = replace(ctx, config=config)
    expected = by_slice(land(WHOLE, only_charges))
    way.mishaps[:] = ["", mishap]
    assert by_slice(land(WHOLE, only_charges)) == expected
    assert way.mishaps == []


@pytest.mark.parametrize(
    ("settings", "secrets", "says"),
    [
        ({}, lambda name: None, r"no API key: set STRIPE_API_KEY"),
        ({}, lambda name: "rk_live_wrong_and_secret", r"the key in STRIPE_API_KEY is refused \(401\)"),
        ({"api_base": "http://127.0.0.1:9"}, lambda name: API_KEY, r"http://127.0.0.1:9 can't be reached"),
        ({"api_version": "latest"}, lambda name: API_KEY, r"Invalid Stripe API version: latest"),
    ],
)
def test_what_a_person_must_mend_is_one_line_without_the_key(embedded, served, settings, secrets, says):
    ctx = context(served[1], secrets, **{"max_network_retries": 0, **settings})
    with pytest.raises(SourceUnavailable, match=says) as failure:
        list(land(WHOLE, ctx))
    assert "\n" not in str(failure.value)
    assert "secret" not in str(failure.value).replace("STRIPE_API_KEY", "")
    assert API_KEY not in str(failure.value)
    assert failure.value.__suppress_context__ or failure.value.__context__ is None


def test_a_limit_that_stays_is_named(ctx, served):
    served[0].mishaps[:] = ["429"] * 3
    with pytest.raises(SourceUnavailable, match=r"rate limited \(429\)"):
        list(land(WHOLE, ctx))


def test_landed_answers_load_and_every_object_is_a_row(ctx, payments):
    """Through the real landing and load: the rows of raw tables are the account's objects, amounts to the unit."""
    run.land(SOURCE, WHOLE, ctx, "t")
    assert run.land(SOURCE, WHOLE, ctx, "t") == 0
    run.load(SOURCE, WHOLE, ctx, "t")
    where = f"where starts_with(_object_uri, '{LANDING}')"
    [row] = ctx.query(f"select count(*) as n, sum(net) as net from raw.stripe_balance_transactions {where}")
    transactions = payments.objects["balance_transactions"]
    assert (row["n"], int(row["net"])) == (len(transactions), sum(item["net"] for item in transactions))
    for resource in ctx.config.sources.stripe.resources:
        expected = payments.events if resource == "events" else payments.objects[resource]
        [row] = ctx.query(f"select count(distinct id) as n from raw.stripe_{resource} {where}")
        assert row["n"] == len(expected)
        ctx.client.query(f"delete from raw.stripe_{resource} {where}").result()
    assert ctx.query(f"select reason from raw.quarantine {where}") == []
