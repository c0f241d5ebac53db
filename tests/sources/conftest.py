"""What the tests of Stripe, Firebase and Cloudflare share: a context without a warehouse, and rows of given bytes."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.bigquery import SchemaField

from ingestion.base import Context, LandedObject
from ingestion.privacy import Pseudonymizer
from ingestion.sources import source
from ingestion.staging import columnar
from ingestion.tables import home, table_schema
from warehouse.config import load_config
from warehouse.profile import load_profile
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-09")
KEY = b"key of the tests, 16 bytes or more"

BY_THE_LOADER = {"_object_uri", "_landed_at", "raw_sealed", "first_seen_at", "last_seen_at"}
"""Columns that the loader adds; it seals `raw_base64` into `raw_sealed`."""

Rows = dict[str, list[dict[str, Any]]]

_BYTES = SchemaField("raw_base64", "STRING")


@pytest.fixture(scope="session")
def pure() -> Context:
    """A context for row producers: they reach neither the warehouse nor a bucket."""
    config = load_config()
    return Context(
        config=config,
        profile=load_profile(config),
        client=None,
        filesystem=None,
        pseudonym=Pseudonymizer(KEY),
        attempt_id="test",
        secrets=lambda name: None,
    )


@pytest.fixture(scope="session")
def prepare(pure: Context) -> Callable[..., Rows]:
    """prepare(source, dataset, bytes as received[, name, ctx]) -> rows by table, with every column of its schema."""

    def run(
        source_name: str, dataset: str, body: bytes, name: str = "object.ndjson", ctx: Context | None = None
    ) -> Rows:
        landed = LandedObject(
            uri=f"gs://landing/{source_name}/{dataset}/{name}.1.0123456789ab.gz",
            source=source_name,
            dataset=dataset,
            origin_uri=f"gs://bucket/{dataset}/{name}",
            window=WINDOW,
            generation=1,
            size_bytes=len(body),
            sha256="0" * 64,
            landed_at=datetime(2026, 10, 9, tzinfo=UTC),
        )
        stored = body if body.startswith(b"\x1f\x8b") else gzip.compress(body)
        found: Rows = {}
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as stream:
            for table, columns in source(source_name).datasets[dataset].prepare(landed, stream, ctx or pure):
                assert {*columns, "_object_uri", "_landed_at"} == _columns(table)
                found.setdefault(table, []).append(columns)
        for table, rows in found.items():  # as the loader does it: a value that doesn't fit its column is an error
            columnar([{**row, "raw_base64": None} for row in rows], [*table_schema(table, home(table)), _BYTES])
        return found

    return run


def _columns(table: str) -> set[str]:
    """Columns that a row producer and the loader give together; the loader seals a quarantine row's bytes."""
    names = {field.name for field in table_schema(table, home(table))}
    if table == "quarantine":
        names = names - {"raw_sealed", "first_seen_at", "last_seen_at"} | {"raw_base64"}
    return names


@pytest.fixture(scope="session")
def user(pure: Context) -> Callable[[str], str]:
    """The pseudonym of a user id."""
    return lambda value: pure.pseudonym(value, "user")


@pytest.fixture(scope="session")
def wallet(pure: Context) -> Callable[[str], str]:
    """The pseudonym of a wallet."""
    return lambda value: pure.pseudonym(value, "wallet")


def original(row: dict[str, Any]) -> bytes:
    """The original bytes of a quarantine row."""
    return base64.b64decode(row["raw_base64"])


def reasons(rows: Rows) -> list[tuple[int, str]]:
    """(line, reason code) of the quarantine rows."""
    return [(row["_line"], row["reason_code"]) for row in rows.get("quarantine", [])]
