"""The warehouse's client: BigQuery in production, the embedded emulator otherwise; configuration alone decides."""

from __future__ import annotations

import os

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from warehouse.config import Config


class WarehouseUnreachable(RuntimeError):
    """The embedded warehouse isn't running."""


def emulator_url() -> str:
    """Address of the running embedded warehouse. Raises WarehouseUnreachable."""
    url = os.environ.get("BQ_EMULATOR_URL")
    if not url:
        raise WarehouseUnreachable(
            "BQ_EMULATOR_URL is not set: start the embedded warehouse with `make up` or `make run`"
        )
    return url


def bigquery_client(config: Config) -> bigquery.Client:
    """A client for the configured project. Application default credentials in production, none for the emulator."""
    if config.target == "bigquery":
        return bigquery.Client(project=config.project, location=config.location)
    return bigquery.Client(
        project=config.project,
        location=config.location,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=emulator_url()),
    )
