"""The area's tests: receivers shared with tests/checks, and an empty warehouse in a project of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from google.cloud import bigquery

sys.path.append(str(Path(__file__).parents[1] / "checks"))  # webhook_receiver


@pytest.fixture(scope="module")
def config(embedded, tmp_path_factory, request):
    """The project's configuration with a project and a home of the module's own."""
    from warehouse.config import Embedded, load_config

    home = tmp_path_factory.mktemp("alerting")
    project = request.module.__name__.rpartition(".")[2].replace("_", "-")
    return load_config().model_copy(update={"project": project, "embedded": Embedded(home=home)})


@pytest.fixture(scope="module")
def warehouse(config) -> bigquery.Client:
    """Its client; the tables exist."""
    from ingestion.tables import ensure_tables
    from warehouse.client import bigquery_client

    client = bigquery_client(config)
    ensure_tables(client)
    return client
