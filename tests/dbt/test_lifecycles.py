"""Escrows and exchange requests whose events arrive in any order; and Wilson's interval against exact arithmetic."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jinja2
import pytest
from arrivals import Landed, _copy, differences, tables

from ingestion import run
from ingestion.sources import source
from ingestion.tables import ensure_tables
from jobs.dbt_build import build_models
from jobs.plan import mark_modelled, plan_build
from sandbox.app import build_app, prepare_simulated
from sandbox.escrow_truth import wilson
from sandbox.serving import running
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("lifecycles")
MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
PROFILES = ("job_escrow", "token_exchange")
WINDOW = Window.parse("2026-10-05", "2026-10-07")
HALVES = [Window.parse(*pair) for pair in (("2026-10-05", "2026-10-06"), ("2026-10-06", "2026-10-07"))]
MODELS = (
    *("int_escrow__lifecycle", "escrow_lifecycle_hourly", "escrow_arbiters"),
    *("int_exchange__lifecycle", "exchange_hourly", "exchange_daily", "exchange_failures_daily"),
)
SELECT = ["--select", *MODELS, "stg_solana__canonical_events", "stg_firestore__changes", "--exclude", "test_type:data"]


@pytest.fixture(scope="module")
def platforms(embedded_alone: Path) -> list[Landed]:
    """Both platforms, each landed and loaded, a window a day, and never built."""
    landed = []
    for profile in PROFILES:
        own = embedded_alone if profile == "token_exchange" else embedded_alone / profile
        os.environ["WAREHOUSE_PLATFORM"] = profile
        with running(build_app(prepare_simulated(own, profile=profile))) as url:
            os.environ["SANDBOX_URL"] = url
            config = load_config()
            place = {name: f"{getattr(config, name)}/{profile}" for name in ("landing", "staging")}
            config = config.model_copy(update={"project": profile.replace("_", "-"), **place})
            client = bigquery_client(config)
            ensure_tables(client)
            for name in json.loads((own / "sandbox" / "state.json").read_text())["windows"]:
                for window in HALVES:
                    run.land(source(name), window, run.context(config), "landed")
                    run.load(source(name), window, run.context(config), "landed")
        rows = client.query("select * from ops.objects where state = 'loaded' order by uri").result()
        landed.append(Landed(config, WINDOW, tuple(dict(row) for row in rows)))
    return landed


def test_late_days_end_as_a_full_refresh(platforms: list[Landed]) -> None:
    """Both platforms' rows meet in one warehouse, a day a build, so that what lies on the other day must be found.

    First come the first day's requests; the next day ends some of them. At last comes the first day's chain: it names
    the mints of escrows, and begins the lives, of which the second day was built already.
    """
    config = platforms[1].config.model_copy(update={"project": "late-days"})
    client = bigquery_client(config)
    ensure_tables(client)
    plan = None
    for window, is_first_day, names in (
        (HALVES[0], True, {"firebase"}),
        (HALVES[1], False, {"firebase", "solana"}),
        (HALVES[0], True, {"solana"}),
    ):
        for landed in platforms:
            arrived = [
                item
                for item in landed.objects
                if item["source"] in names and ("2026-10-05" in item["event_dates"]) == is_first_day
            ]
            _copy(client, landed, arrived, "")
        plan = plan_build(config, window)
        assert plan is not None
        assert [day.isoformat() for day in plan.days][:1] == [window.start.date().isoformat()]
        failed, _ = build_models(config, plan.settings, SELECT)
        assert failed == []
        mark_modelled(client, plan.waiting.uris)
    assert plan is not None
    built = tables(client)
    assert {name for name in MODELS if not built.get(name)} == set()
    failed, _ = build_models(config, plan.settings, ["--full-refresh", *SELECT])
    assert failed == []
    assert differences(built, tables(client)) == {}


def test_wilsons_interval(embedded_alone: Path) -> None:
    """Each bound of each share of up to 40 and of some larger numbers of trials, to the sixth decimal."""
    macro = jinja2.Environment().from_string((MACROS / "statistics.sql").read_text()).module.wilson_bound
    trials = [*range(1, 41), 97, 1_000, 123_457]
    pairs = [(x, n) for n in trials for x in sorted({*range(min(n, 40) + 1), n // 2, n - 1, n})]
    values = " union all ".join(f"select {x} as x, {n} as n" for x, n in pairs)
    sql = f"select x, n, {macro('x', 'n', -1)} as lower, {macro('x', 'n', 1)} as upper from ({values})"
    client = bigquery_client(load_config())
    held = {(row["x"], row["n"]): (row["lower"], row["upper"]) for row in client.query(sql).result()}
    assert held == {pair: wilson(*pair) for pair in pairs}
    assert len(held) > 900
    [none] = client.query(f"select {macro('0', '0', 1)} as upper").result()
    assert none["upper"] is None
