"""A real embedded warehouse for the area's tests, with the ops tables and hand-made marts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from checks_data import START
from google.cloud import bigquery
from tables import empty_ops, make

from expectations.rules import Rule
from ingestion.tables import ensure_tables
from warehouse.client import bigquery_client
from warehouse.config import Config, load_config
from warehouse.services import Services
from warehouse.window import Window


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The project's configuration with a scratch home and a file channel."""
    home = tmp_path_factory.mktemp("checks-home")
    loaded = load_config(Path("config/warehouse.yml"))
    return loaded.model_copy(update={"embedded": loaded.embedded.model_copy(update={"home": home})})


@pytest.fixture(scope="session")
def client(config: Config) -> Iterator[bigquery.Client]:
    """Client of an emulator that lives as long as the tests."""
    before = os.environ.get("BQ_EMULATOR_URL")
    with Services(config) as services:
        services.start_warehouse(in_memory=True)
        connected = bigquery_client(config)
        if before is None:
            del os.environ["BQ_EMULATOR_URL"]
        else:
            os.environ["BQ_EMULATOR_URL"] = before
        ensure_tables(connected)
        yield connected


@pytest.fixture
def ops(client: bigquery.Client) -> bigquery.Client:
    """The client with empty ops tables."""
    empty_ops(client)
    return client


@pytest.fixture
def window() -> Window:
    """One day of the sandbox."""
    return Window(START, START + timedelta(days=1))


@pytest.fixture
def fill(client: bigquery.Client) -> Callable[[str, Mapping[str, str], Sequence[Mapping[str, Any]]], None]:
    """Makes a mart anew: fill("marts.t", {"column": "STRING"}, rows)."""
    return partial(make, client)


@pytest.fixture
def balance_rule() -> Rule:
    """A rule over the hand-made mart marts.levels(vault, mint, day, missing)."""
    return Rule(
        name="level_low",
        title="Levels are whole",
        severity="critical",
        mart="marts.levels",
        reads="state",
        failing_rows=(
            "select vault, mint, missing from {batch} where abs(missing) >= {thresholds.escrow_mismatch_base_units}"
        ),
        labels=["vault"],
        figures=["mint", "missing"],
        summary="{{ missing | token(mint) }} missing in {{ vault }}",
        runbook="escrow-mismatch.md",
    )


class Ticks:
    """A clock that moves a minute on at each look."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def clock() -> Ticks:
    """Starts at midnight after the window."""
    return Ticks(START + timedelta(days=1))
