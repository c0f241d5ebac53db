"""The other platforms' profiles, each run whole: M8, M19 and M20 are exactly what the simulation says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from figures_other import differences, event_differences, exchange_differences
from flow_harness import rows
from google.cloud import bigquery

from ingestion import run
from ingestion.sources import source
from ingestion.tables import ensure_tables
from jobs.dbt_build import build_models
from jobs.plan import plan_build
from sandbox.app import build_app, prepare_simulated
from sandbox.serving import running
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

MARTS = {
    "job_escrow": ("escrow_lifecycle_daily", "escrow_arbiters", "chain_events_hourly", "chain_events_daily"),
    "token_exchange": (
        *("exchange_hourly", "exchange_daily", "exchange_failures_daily"),
        *("escrow_lifecycle_daily", "escrow_arbiters", "chain_events_hourly", "chain_events_daily"),
    ),
}


@dataclass(frozen=True)
class Ran:
    """A platform's warehouse after a run, and what its simulation says."""

    client: bigquery.Client
    truth: dict[str, Any]


@pytest.fixture(scope="module")
def ran(embedded_alone: Path) -> Callable[[str], Ran]:
    """ran(profile): the platform's sources landed and loaded, and the models of its metrics built."""

    def of(profile: str) -> Ran:
        # Only the exchange exports anything, so only its buckets lie where the warehouse looks.
        own = embedded_alone if profile == "token_exchange" else embedded_alone / profile
        os.environ["WAREHOUSE_PLATFORM"] = profile
        with running(build_app(prepare_simulated(own, profile=profile))) as url:
            os.environ["SANDBOX_URL"] = url
            told, state = (json.loads((own / "sandbox" / f"{name}.json").read_text()) for name in ("truth", "state"))
            window = Window.parse(state["window"]["start"], state["window"]["end"])
            place = {"project": profile.replace("_", "-")}
            config = load_config()
            place |= {name: f"{getattr(config, name)}/{profile}" for name in ("landing", "staging")}
            config = config.model_copy(update=place)
            ensure_tables(run.context(config).client)
            for name in state["windows"]:
                assert getattr(config.sources, name).enabled
                run.land(source(name), window, run.context(config), "test")
                run.load(source(name), window, run.context(config), "test")
        plan = plan_build(config, window)
        assert plan is not None
        chosen = ["--indirect-selection", "cautious", "--select", *(f"+{mart}" for mart in MARTS[profile])]
        failed, _ = build_models(config, plan.settings, chosen)
        assert failed == []
        return Ran(bigquery_client(config), told)

    return of


def test_a_job_platform(ran):
    platform = ran("job_escrow")
    assert differences(platform.client, platform.truth) == []
    assert event_differences(platform.client, platform.truth) == []
    told = platform.truth["arbiters"]
    assert len(told) == 4
    assert {arbiter["outside"] for arbiter in told.values()} == {True, False}


def test_an_exchange(ran):
    platform = ran("token_exchange")
    assert exchange_differences(platform.client, platform.truth) == []
    assert event_differences(platform.client, platform.truth) == []
    # It has no escrow, and so no row of one.
    for mart in ("escrow_lifecycle_hourly", "escrow_lifecycle_daily", "escrow_arbiters"):
        assert rows(platform.client, f"select * from marts.{mart}") == []
