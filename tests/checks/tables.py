"""Tables of the tests' warehouse: made anew, filled, emptied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import bigquery

from expectations.table import columns_of, typed, unnested
from ingestion.tables import table_names


def make(client: bigquery.Client, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """A table with these columns (name to type) and rows, whatever was there before."""
    # A bare NUMERIC in DDL is DECIMAL(18, 3) on the embedded warehouse; BigQuery's has 38 digits, 9 of them decimals.
    kinds = {name: "numeric(38, 9)" if kind == "NUMERIC" else kind for name, kind in columns.items()}
    definition = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    client.query(f"create or replace table {table} ({definition})").result()
    _add(client, table, columns, rows)


def insert(client: bigquery.Client, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows; columns that a row lacks are null."""
    _add(client, table, columns_of(client, table), rows)


def empty_ops(client: bigquery.Client) -> None:
    """Deletes all rows of the ops tables and of the quarantine."""
    tables = [*(f"ops.{name}" for name in table_names("ops")), "raw.quarantine"]
    client.query("".join(f"delete from {table} where true; " for table in tables)).result()


def _add(client: bigquery.Client, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        names = ", ".join(columns)
        client.query(f"insert into {table} ({names}) select {typed(columns)} from {unnested(rows)}").result()
