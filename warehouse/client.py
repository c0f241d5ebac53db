"""The warehouse's client: BigQuery in production, the embedded emulator otherwise; configuration alone decides."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from warehouse.config import Config


class WarehouseUnreachable(RuntimeError):
    """The embedded warehouse isn't running."""


class EmbeddedClient(bigquery.Client):
    """The client of the embedded warehouse, where transactions of one home follow on one another.

    There a transaction isn't isolated, and one that fails puts whole tables back as they were when it began, over what
    others have written since. BigQuery isolates them itself.
    """

    lock: Path

    def query(self, query: str, *args: Any, **kwargs: Any) -> bigquery.QueryJob:
        """As the library's own; a script that begins a transaction is through when this returns."""
        if not query.lstrip().lower().startswith("begin transaction"):
            return super().query(query, *args, **kwargs)
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            job = super().query(query, *args, **kwargs)
            with suppress(GoogleAPICallError):  # the caller asks for the result and gets the error
                job.result()
            return job


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
    client = EmbeddedClient(
        project=config.project,
        location=config.location,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=emulator_url()),
    )
    client.lock = config.embedded.home / "transactions.lock"
    return client
