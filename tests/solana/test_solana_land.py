"""Landing from the sandbox's RPC server over HTTP, into the real embedded warehouse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solana_context import WINDOW, objects_of, rows_of

from ingestion import run
from ingestion.base import Context, NewObject
from ingestion.solana import SOURCE
from ingestion.solana.history import reader
from ingestion.solana.history.reader import WindowIncomplete
from ingestion.solana.rpc import pool as rpc
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.pool import AllProvidersDown
from sandbox.app import Platform, build_app, prepare_recorded, prepare_simulated
from sandbox.rpc_faults import OfSignatures, ProviderFaults, RpcFaults
from sandbox.serving import running
from warehouse.config import ConfigError, load_config
from warehouse.window import Window, parse_instant


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Platform]:
    home = tmp_path_factory.mktemp("sandbox")
    return home, prepare_simulated(home)


@pytest.fixture(scope="module")
def served(simulated) -> Iterator[str]:
    with running(build_app(simulated[1])) as url:
        yield url


class Holding(Context):
    """A warehouse that holds the signatures it is told to."""

    held: frozenset[str] = frozenset()

    def query(self, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        return [] if "coverage" in sql else [{"signature": signature} for signature in self.held]


def fast(ctx: Context, held: frozenset[str] = frozenset()) -> Holding:
    """The context without rate limits (the server is ours)."""
    solana = ctx.config.sources.solana
    providers = [provider.model_copy(update={"requests_per_second": 100_000}) for provider in solana.providers]
    sources = ctx.config.sources.model_copy(update={"solana": solana.model_copy(update={"providers": providers})})
    values = {
        name: getattr(ctx, name) for name in ("profile", "client", "filesystem", "pseudonym", "attempt_id", "secrets")
    }
    holding = Holding(config=ctx.config.model_copy(update={"sources": sources}), **values)
    holding.held = held
    return holding


def landed(ctx: Context, window: Window = WINDOW) -> tuple[list[NewObject], Exception | None]:
    objects: list[NewObject] = []
    try:
        for item in SOURCE.land(window, ctx):
            objects.append(item)
    except Exception as error:
        return objects, error
    return objects, None


def lines(objects: list[NewObject]) -> list[dict[str, Any]]:
    return [json.loads(line) for item in objects for line in item.body.splitlines()]


def signatures(objects: list[NewObject]) -> list[str]:
    return [line["signature"] for line in lines(objects_of(objects, "transactions"))]


def test_the_whole_window_once_oldest_first(configured, simulated, served):
    ctx = fast(configured(SANDBOX_URL=served))
    objects, failure = landed(ctx)
    assert failure is None
    assert [item.dataset for item in objects][:2] == ["account_balances", "signatures"]
    assert [item.dataset for item in objects][-2:] == ["coverage", "rpc_calls"]

    chain = simulated[1].chain
    rows = {row.signature: row.order for address in ctx.config.own.own_addresses() for row in chain.history(address)}
    got = signatures(objects)
    assert Counter(got) == Counter(rows.keys())
    slots = [chain.transaction(signature, "json")["slot"] for signature in got]
    assert slots == sorted(slots)
    sizes = [len(item.body.splitlines()) for item in objects_of(objects, "transactions")]
    assert sizes[:-1] == [reader.CHUNK] * (len(rows) // reader.CHUNK)
    for line in lines(objects_of(objects, "transactions"))[::50]:
        assert json.loads(line["response"])["result"] == chain.transaction(line["signature"], "json")

    again, _ = landed(ctx)
    of_the_attempt = ("rpc_calls", "coverage")
    unchanging = [item for item in objects if item.dataset not in of_the_attempt]
    assert [item for item in again if item.dataset not in of_the_attempt] == unchanging
    nothing, _ = landed(fast(ctx, frozenset(got)))
    assert [item.dataset for item in nothing] == ["account_balances", "coverage", "rpc_calls"]


def test_money_of_every_day_is_the_ground_truth(configured, simulated, served):
    ctx = fast(configured(SANDBOX_URL=served))
    objects, _ = landed(ctx)
    truth = json.loads((simulated[0] / "sandbox" / "truth.json").read_text())["days"]
    sums: Counter[tuple[str, str, str]] = Counter()
    for item in objects_of(objects, "transactions"):
        rows = rows_of(ctx, "transactions", item.body)
        assert "quarantine" not in rows
        for row in rows["canonical_events"]:
            if row["status"] == "counted" and row["amount"] is not None:
                sums[row["_event_date"], row["mint"], row["canonical_event"]] += int(row["amount"])
    names = {
        "deposits": "deposit", "entry_volume": "entry", "prize_volume": "prize_distributed",
        "fee_revenue": "fee_collected", "refunds": "refund", "withdrawals_amount": "withdrawal",
    }  # fmt: skip
    expected = {
        (day, mint, kind): int(values[name])
        for day, metrics in truth.items()
        for mint, values in metrics["M17"].items()
        for name, kind in names.items()
        if int(values[name])
    }
    assert len(expected) > 20
    assert dict(sums) == expected


def test_a_window_takes_its_own_half_open_part(configured, simulated, served):
    chain = simulated[1].chain
    ctx = fast(configured(SANDBOX_URL=served))
    rows = {row.signature: row.block_time for a in ctx.config.own.own_addresses() for row in chain.history(a)}
    middle = sorted(rows.values())[len(rows) // 2]
    start = WINDOW.start.timestamp()
    window = replace(
        WINDOW,
        end=parse_instant("1970-01-01")
        + (WINDOW.start - parse_instant("1970-01-01"))
        + (WINDOW.end - WINDOW.start) / 2,
    )
    first, _ = landed(ctx, window)
    second, _ = landed(ctx, Window(window.end, WINDOW.end))
    assert set(signatures(first)) == {s for s, t in rows.items() if start <= t < window.end.timestamp()}
    assert set(signatures(first)) | set(signatures(second)) == set(rows)
    assert set(signatures(first)) & set(signatures(second)) == set()
    assert start < middle


def test_pages_are_followed_down_to_the_window(configured, simulated, served, monkeypatch):
    ctx = fast(configured(SANDBOX_URL=served))
    window = Window.parse("2026-10-06T00:00:00Z", "2026-10-06T12:00:00Z")
    whole = signatures(landed(ctx, window)[0])
    assert len(whole) > 50
    monkeypatch.setattr(requests, "PAGE", 40)
    objects, failure = landed(ctx, window)
    assert failure is None
    assert signatures(objects) == whole
    listings = [line for line in lines(objects_of(objects, "rpc_calls")) if line["method"] == "getSignaturesForAddress"]
    addresses = ctx.config.own.own_addresses()
    oldest = sum(len(simulated[1].chain.history(address)) for address in addresses)
    assert 2 * len(addresses) < len(listings) < 2 * oldest // 40  # two providers; pages below the window are left out


def test_balances_are_the_chain_s(configured, simulated, served):
    ctx = fast(configured(SANDBOX_URL=served))
    chain = simulated[1].chain
    objects, _ = landed(ctx)
    (item,) = objects_of(objects, "account_balances")
    rows = rows_of(ctx, "account_balances", item.body)["solana_account_balances"]
    expected = {
        (v.address, "vault", "token"): int(chain.token_amount(v.address)["amount"]) for v in ctx.config.own.vaults
    }
    for vault in ctx.config.own.vaults:
        expected[vault.address, "vault", "native"] = chain.lamports(vault.address)
    for address in ctx.config.own.treasury:
        expected[address, "treasury", "token"] = int(chain.token_amount(address)["amount"])
        expected[address, "treasury", "native"] = chain.lamports(address)
    for address in ctx.config.own.fee_payers:
        expected[address, "fee_payer", "native"] = chain.lamports(address)
    expected[ctx.config.own.program_id, "program", "native"] = chain.lamports(ctx.config.own.program_id)
    assert {(r["address"], r["role"], r["kind"]): int(r["amount"]) for r in rows} == expected
    assert {r["slot"] for r in rows} == {chain.tip}


def test_a_provider_down_is_survived_and_recorded(configured, simulated, served):
    healthy, _ = landed(fast(configured(SANDBOX_URL=served)))
    with running(build_app(replace(simulated[1], down=frozenset({"alpha"})))) as url:
        ctx = fast(configured(SANDBOX_URL=url))
        objects, failure = landed(ctx)
    assert failure is None
    assert signatures(objects) == signatures(healthy)
    calls = rows_of(ctx, "rpc_calls", objects[-1].body)["rpc_calls"]
    outcomes = Counter((call["provider"], call["outcome"]) for call in calls)
    assert {key for key in outcomes if key[0] == "alpha"} == {("alpha", "http_error")}
    assert {key for key in outcomes if key[0] == "beta"} == {("beta", "ok")}


def test_every_provider_down_leaves_the_record_of_the_calls(configured, simulated):
    with running(build_app(replace(simulated[1], down=frozenset({"alpha", "beta"})))) as url:
        objects, failure = landed(fast(configured(SANDBOX_URL=url)))
    assert isinstance(failure, AllProvidersDown)
    assert str(failure) == "every RPC provider failed: alpha: HTTP 503; beta: HTTP 503"
    assert [item.dataset for item in objects] == ["rpc_calls"]
    assert Counter(line["outcome"] for line in lines(objects)) == {"http_error": 2}


def test_a_transaction_that_nobody_has_keeps_the_window_open(configured, simulated, served):
    healthy, _ = landed(fast(configured(SANDBOX_URL=served)))
    lost = signatures(healthy)[3]
    forgets = ProviderFaults(null_transaction=OfSignatures(signatures=(lost,)))
    with running(build_app(simulated[1], RpcFaults(alpha=forgets, beta=forgets))) as url:
        objects, failure = landed(fast(configured(SANDBOX_URL=url)))
    assert isinstance(failure, WindowIncomplete)
    assert str(failure).startswith(
        f"no provider has 1 of {len(signatures(healthy))} listed transactions: {lost} (null)"
    )
    assert signatures(objects) == [s for s in signatures(healthy) if s != lost]
    nulls = [line for line in lines(objects_of(objects, "rpc_calls")) if line["outcome"] == "null"]
    assert [line["provider"] for line in nulls] == ["alpha", "beta"]


def test_a_missing_idl_stops_before_the_first_call(configured, served, monkeypatch):
    ctx = configured("openbook_v2", SANDBOX_URL=served)
    monkeypatch.delenv("WAREHOUSE_INPUT", raising=False)
    objects, failure = landed(fast(ctx))
    assert (objects, type(failure)) == ([], ConfigError)


def test_recorded_transactions_through_the_recorded_provider(configured, fixtures, tmp_path):
    platform = prepare_recorded(tmp_path, fixtures, "openbook_v2")
    window = json.loads((tmp_path / "sandbox" / "state.json").read_text())["window"]
    with running(build_app(platform)) as url:
        ctx = fast(configured("openbook_v2", SANDBOX_URL=url, WAREHOUSE_INPUT=str(fixtures)))
        objects, failure = landed(ctx, Window.parse(window["start"], window["end"]))
    assert failure is None
    (item,) = objects_of(objects, "transactions")
    rows = rows_of(ctx, "transactions", item.body)
    assert [row["reason_code"] for row in rows["quarantine"]] == ["log_truncated"]
    assert [(r["canonical_event"], r["amount"], r["status"]) for r in rows["canonical_events"]] == [
        ("deposit", "5000000000", "counted"),
        ("deposit", "7000000000", "counted"),
        ("withdrawal", "5940000000", "counted"),
        ("withdrawal", "7000000000", "counted"),
        ("deposit", "1000", "reverted"),
        ("deposit", "1000", "reverted"),
        ("deposit", "2000", "counted"),
        ("deposit", "3000", "counted"),
    ]
    expected = json.loads((fixtures / "solana" / "expected_events.json").read_text())
    openbook = [e for e in expected if e["program"] == ctx.config.own.program_id]
    assert Counter(r["event_name"] for r in rows["solana_events"]) == Counter(e["name"] for e in openbook)
    unusable = objects_of(objects, "unusable")
    assert [(item.name, item.origin_uri) for item in unusable] == [
        ("expected_events.json", "gs://platform-exports/unusable/solana/expected_events.json")
    ]


def test_into_the_warehouse_and_again_loads_nothing_twice(embedded, served, monkeypatch):
    monkeypatch.setenv("SANDBOX_URL", served)
    ctx = run.context(load_config())
    window = Window.parse("2026-10-05", "2026-10-06")
    assert run.land(SOURCE, window, ctx, "t") > 3
    first = run.load(SOURCE, window, ctx, "t")
    assert first.quarantined == 0

    def held() -> list[tuple]:
        tables = (
            "solana_transactions",
            "solana_signatures",
            "solana_events",
            "canonical_events",
            "solana_token_balances",
            "solana_account_balances",
        )
        return [
            (
                table,
                dict(
                    ctx.query(f"select count(*) as n, count(distinct to_json_string(t)) as d from raw.{table} as t")[0]
                ),
            )
            for table in tables
        ]

    before = held()
    assert all(count["n"] == count["d"] > 0 for _, count in before)
    again = run.context(load_config())
    assert run.land(SOURCE, window, again, "t") == 1  # the record of the calls
    run.load(SOURCE, window, again, "t")
    assert held() == before
