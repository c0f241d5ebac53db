"""Warehouses for the audit log's tests: each test's own, on the session's embedded warehouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.cloud import bigquery

from warehouse.client import bigquery_client
from warehouse.config import Config, load_config


@pytest.fixture
def audit_config(embedded, request: pytest.FixtureRequest) -> Config:
    """A configuration whose project, and so whose warehouse, is the test's own."""
    name = "".join(part if part.isalnum() else "-" for part in request.node.name.lower())[:40].strip("-")
    return load_config().model_copy(update={"project": f"audit-{name}"})


@pytest.fixture
def audit_client(audit_config: Config) -> bigquery.Client:
    """Its client, with empty tables of the audit log."""
    from audit.tables import ensure_tables

    made = bigquery_client(audit_config)
    ensure_tables(made)
    return made


@pytest.fixture
def rows_of(audit_client: bigquery.Client) -> Callable[[str], list[dict]]:
    """rows_of("select ...") gives a query's rows."""
    return lambda sql: [dict(row) for row in audit_client.query(sql).result()]
