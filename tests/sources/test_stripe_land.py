"""Stripe -> landing over real HTTP against the sandbox's API: one window, also when the way there is bad."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from stripe_server import CONNECTED, LANDING, START, WHOLE, Server, by_slice, context, ids
from stripe_server import served as stripe_server

from ingestion import run
from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.stripe import SOURCE, pages
from ingestion.stripe.client import Api
from ingestion.stripe.land import land
from ingestion.tables import OPS, table_names
from sandbox.stripe_api import API_KEY
from warehouse.config import load_config
from warehouse.window import Window


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


def reading(ctx: Context, **settings) -> Context:
    """The context with other settings of sources.stripe."""
    stripe = ctx.config.sources.stripe.model_copy(update=settings)
    sources = ctx.config.sources.model_copy(update={"stripe": stripe})
    return replace(ctx, config=ctx.config.model_copy(update={"sources": sources}))


def test_a_window_is_landed_whole_page_by_page_as_received(ctx, served):
    objects = by_slice(land(WHOLE, ctx))
    assert {key[0] for key in objects} == set(ctx.config.sources.stripe.resources)
    payments = served.payments
    for (resource, name), new in objects.items():
        assert name == "20261005T000000Z_20261009T000000Z"
        expected = payments.events if resource == "events" else payments.objects[resource]
        assert sorted(ids(new)) == sorted(item["id"] for item in expected)
    first = json.loads(objects["charges", WHOLE.slug].body.splitlines()[0])
    assert first["request"] == "/v1/charges?limit=100&created[gte]=1791158400&created[lt]=1791504000"
    assert (first["api_version"], first["account"]) == ("2026-08-26.dahlia", "default")
    assert len(json.loads(first["body"])["data"]) == 100
    assert len(objects["charges", WHOLE.slug].body.splitlines()) == 3
    assert {headers["stripe-version"] for _, headers in served.requests} == {"2026-08-26.dahlia"}
    assert [key[0] for key in objects][-1] == "events"  # it says that the rest was read, and so comes last


def test_the_same_answers_give_the_same_bytes(ctx):
    assert by_slice(land(WHOLE, ctx)) == by_slice(land(WHOLE, ctx))


def test_an_empty_answer_is_landed_only_where_data_was_before_but_an_empty_feed_always(ctx):
    quiet = Window(START - timedelta(days=9), START - timedelta(days=8))
    [feed] = land(quiet, ctx)
    assert (feed.dataset, feed.name, ids(feed)) == ("events", quiet.slug, [])
    with_data = NewObject("charges", quiet.slug, b'{"request":"x","body":"{}"}\n', "stripe://default/v1/charges")
    run.land(replace(SOURCE, land=lambda window, ctx: iter([with_data])), quiet, ctx, "t")
    assert [(new.dataset, new.name) for new in land(quiet, ctx)] == [("charges", quiet.slug), ("events", quiet.slug)]


def test_large_slices_are_landed_in_parts_that_hold_every_page_once(ctx, served, monkeypatch):
    whole = {resource: ids(new) for (resource, _), new in by_slice(land(WHOLE, ctx)).items()}
    monkeypatch.setattr(pages, "PAGE", 20)
    monkeypatch.setattr(pages, "PART_BYTES", 200_000)
    parts = list(land(WHOLE, ctx))
    assert all(len(new.body) <= 200_000 for new in parts)
    for resource, expected in whole.items():
        held = [new for new in parts if new.dataset == resource]
        assert [identity for new in held for identity in ids(new)] == expected
        numbered = [f"{WHOLE.slug}.part{number:04}" for number in range(1, len(held))]
        assert [new.name for new in held] == [*numbered, WHOLE.slug]
    assert sum(new.dataset == "events" for new in parts) > 10


@pytest.mark.parametrize(
    ("mishap", "seed", "settings"),
    [  # with these seeds the second or third page is struck
        ("rate_limited", 11, {}),
        ("rate_limited", 11, {"lock_timeout": True}),
        ("server_error", 1, {}),
        ("timeout", 1, {"seconds": 5}),
        ("reset_mid_page", 2, {}),
        ("not_json", 5, {}),
    ],
)
def test_a_mishap_in_the_middle_of_a_list_loses_nothing(ctx, served, mishap, seed, settings):
    ctx = reading(ctx, resources=["charges", "events"], timeout_seconds=0.5, max_network_retries=4)
    expected = by_slice(land(WHOLE, ctx))
    served.show(seed=seed, **{mishap: {"share": 0.35, "methods": ["charges"], **settings}})
    assert by_slice(land(WHOLE, ctx)) == expected
    told = served.board.describe()
    assert told["injected"] == {mishap: 1}
    assert told["requests"] == 11  # 3 pages of charges, 7 of events


def test_retry_after_is_waited_for(ctx, served, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    served.show(rate_limited={"first": 2, "retry_after": 7})
    ctx = reading(ctx, resources=["charges", "events"])
    assert len(list(land(WHOLE, ctx))) == 2
    assert waited == [7.0, 7.0]


def test_a_limit_that_stays_is_named(ctx, served):
    served.show(rate_limited={})
    with pytest.raises(SourceUnavailable, match=r"rate limited \(429\)"):
        list(land(WHOLE, reading(ctx, max_network_retries=1)))


def test_what_arrives_while_pages_are_read_is_found_by_its_event(ctx, served):
    expected = by_slice(land(WHOLE, ctx))
    served.show(seed=5, arrives_between_pages={"objects": 3})
    objects = by_slice(land(WHOLE, ctx))
    late = {resource: ids(new) for (resource, name), new in objects.items() if name.endswith(".changed")}
    assert served.board.describe()["injected"] == {"arrives_between_pages": 6}
    for resource in ("charges", "payment_intents", "customers", "payouts", "refunds"):
        held = ids(objects[resource, WHOLE.slug]) + late[resource]
        assert sorted(held) == sorted(ids(expected[resource, WHOLE.slug]))


def test_a_list_goes_on_when_the_object_that_a_page_ended_with_is_gone(ctx, served, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 10)
    coming = pages.pages(Api(ctx.config.sources.stripe, API_KEY), "/v1/customers", WHOLE.start, WHOLE.end)
    found = [item["id"] for item in next(coming).data["data"]]
    shown = (served.show(seed=seed, deleted_customers=0.5) for seed in range(50))
    after = next(store for store in shown if "deleted" in store.get("customers", found[-1]))
    found += [item["id"] for page in coming for item in page.data["data"]]
    left = [
        item["id"] for item in served.payments.objects["customers"] if "object" in after.get("customers", item["id"])
    ]
    assert set(left) >= set(found)
    assert {identity for identity in left if not after.get("customers", identity).get("deleted")} <= set(found)


def test_connected_accounts_are_read_with_their_header_and_told_apart(ctx, served):
    ctx = reading(ctx, connected_accounts=[CONNECTED], resources=["charges", "events"])
    run.land(SOURCE, WHOLE, ctx, "t")
    run.load(SOURCE, WHOLE, ctx, "t")
    assert {headers.get("stripe-account") for _, headers in served.requests} == {None, CONNECTED}
    rows = ctx.query("select account, count(distinct id) as n, count(*) as rows_n from raw.stripe_charges group by 1")
    assert {row["account"]: (row["n"], row["rows_n"]) for row in rows} == {"default": (204, 204), CONNECTED: (204, 204)}
    stranger = reading(ctx, connected_accounts=["acct_1Stranger"])
    with pytest.raises(SourceUnavailable, match=r"may not read /v1/charges of account acct_1Stranger \(403\)"):
        list(land(WHOLE, stranger))


@pytest.mark.parametrize(
    ("settings", "secrets", "says"),
    [
        ({}, lambda name: None, r"no API key: set STRIPE_API_KEY"),
        ({}, lambda name: "rk_live_wrong_and_secret", r"the key in STRIPE_API_KEY is refused \(401\)"),
        ({"api_base": "http://127.0.0.1:9"}, lambda name: API_KEY, r"http://127.0.0.1:9 can't be reached"),
        ({"api_version": "latest"}, lambda name: API_KEY, r"Invalid Stripe API version: latest"),
    ],
)
def test_what_a_person_must_mend_is_one_line_without_the_key(ctx, served, settings, secrets, says):
    ctx = context(served.url, secrets, **{"max_network_retries": 0, **settings})
    with pytest.raises(SourceUnavailable, match=says) as failure:
        list(land(WHOLE, ctx))
    assert "\n" not in str(failure.value)
    assert "secret" not in str(failure.value).replace("STRIPE_API_KEY", "")
    assert API_KEY not in str(failure.value)
    assert failure.value.__suppress_context__ or failure.value.__context__ is None


def test_landed_answers_load_and_every_object_is_a_row(ctx, served):
    """Through the real landing and load: the rows of raw tables are the account's objects, amounts to the unit."""
    run.land(SOURCE, WHOLE, ctx, "t")
    assert run.land(SOURCE, WHOLE, ctx, "t") == 0
    run.load(SOURCE, WHOLE, ctx, "t")
    where = f"where starts_with(_object_uri, '{LANDING}')"
    payments = served.payments
    [row] = ctx.query(f"select count(*) as n, sum(net) as net from raw.stripe_balance_transactions {where}")
    transactions = payments.objects["balance_transactions"]
    assert (row["n"], int(row["net"])) == (len(transactions), sum(item["net"] for item in transactions))
    for resource in ctx.config.sources.stripe.resources:
        expected = payments.events if resource == "events" else payments.objects[resource]
        [row] = ctx.query(f"select count(distinct id) as n from raw.stripe_{resource} {where}")
        assert row["n"] == len(expected)
    assert ctx.query(f"select reason from raw.quarantine {where}") == []


def test_the_key_is_nowhere(ctx, served, caplog, capfd):
    """Neither in what a run with failures landed, nor in a table, a log or an attempt."""
    caplog.set_level("DEBUG")
    ctx = reading(ctx, resources=["charges", "events"], max_network_retries=4)
    served.show(seed=20, rate_limited={"share": 0.2}, server_error={"share": 0.2}, reset_mid_page={"share": 0.2})
    run.land(SOURCE, WHOLE, ctx, "t")
    assert served.board.describe()["injected"].keys() == {"rate_limited", "server_error", "reset_mid_page"}
    run.load(SOURCE, WHOLE, ctx, "t")
    served.show(rate_limited={})
    with pytest.raises(SourceUnavailable):
        run.land(SOURCE, WHOLE, reading(ctx, max_network_retries=0), "t")
    served.reset()
    with pytest.raises(SourceUnavailable):
        run.land(SOURCE, WHOLE, replace(ctx, secrets=lambda name: "rk_live_wrong_and_secret"), "t")
    shown = [caplog.text, *capfd.readouterr()]
    for uri, *_ in ctx.filesystem.list(f"{LANDING}/stripe"):
        with ctx.filesystem.open(uri) as stream:
            shown.append(gzip.decompress(stream.read()).decode())
    assert sum("/v1/charges?" in text for text in shown) >= 2  # the log, and the landed object
    for table in (*(f"raw.{name}" for name in table_names()), *(f"ops.{name}" for name in table_names(OPS))):
        shown += [str(row) for row in ctx.query(f"select * from {table}")]
    assert sum("stays rate limited (429)" in text for text in shown) >= 1  # the attempt
    for text in shown:
        assert API_KEY not in text
        assert "wrong_and_secret" not in text
