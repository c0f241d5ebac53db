"""Fixtures that every area shares: the recorded data's folder, and an embedded warehouse of the test session's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from warehouse.services import SANDBOX_PSEUDONYM_KEY, SANDBOX_SUBJECT_KEY, runtime_environment

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT.parent / "shared" / "fixtures"


MEMORY = Path("/dev/shm")
ROOM = 8 << 30
"""Bytes that a whole run of the tests leaves below its temporary folder, and as much again."""


def pytest_configure(config: pytest.Config) -> None:
    """Whole runs keep their warehouse on a disk; for tests that is one in memory, where there is room.

    The models are parsed once for all homes that have the same settings.
    """
    if "WAREHOUSE_PARSED" not in os.environ:  # workers find it set
        parsed = TemporaryDirectory(prefix="parsed-")
        config.add_cleanup(parsed.cleanup)
        os.environ["WAREHOUSE_PARSED"] = parsed.name
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Recorded data that isn't part of the project; tests that need it are skipped by name without it."""
    if not FIXTURES.is_dir():
        pytest.skip("recorded data (../shared/fixtures) is absent")
    return FIXTURES


@contextmanager
def _warehouse(home: Path) -> Iterator[Path]:
    """An embedded warehouse over a home; its settings are in the environment, and nothing else is left there."""
    from warehouse.config import load_config
    from warehouse.services import Services

    before = dict(os.environ)
    os.environ.update(runtime_environment(home))
    os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
    os.environ["WAREHOUSE_SUBJECT_KEY"] = SANDBOX_SUBJECT_KEY
    with Services(load_config()) as services:
        services.start_warehouse(in_memory=True)
        yield home
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of an embedded warehouse with empty raw and ops tables; its address is in the environment."""
    from ingestion.tables import ensure_tables
    from warehouse.client import bigquery_client
    from warehouse.config import load_config

    with _warehouse(tmp_path_factory.mktemp("home")) as home:
        ensure_tables(bigquery_client(load_config()))
        yield home


@pytest.fixture(scope="module")
def embedded_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of a warehouse of the module's own, without tables, for modules that change the platform."""
    with _warehouse(tmp_path_factory.mktemp("alone")) as home:
        yield home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: they take longest, and one process works on them while the other does the rest."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/flow/"))
