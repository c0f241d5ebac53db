"""Rows as one SQL value, for scripts that change several tables in one transaction.

Query parameters reach a script's statements on BigQuery, but not on the embedded warehouse. So rows travel as a base64
literal of a JSON array, whose alphabet (A-Z a-z 0-9 + / =) can hold nothing that SQL would read as its own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import bigquery

_CASTS = {
    "STRING": "json_value({row}, '$.{name}')",
    "INT64": "cast(json_value({row}, '$.{name}') as int64)",
    "NUMERIC": "parse_numeric(json_value({row}, '$.{name}'))",  # CAST gives the embedded warehouse's DECIMAL(18, 3)
    "DATE": "cast(json_value({row}, '$.{name}') as date)",
    "BOOL": "cast(json_value({row}, '$.{name}') as bool)",
    "TIMESTAMP": "timestamp(json_value({row}, '$.{name}'))",
}


def literal(rows: Sequence[Mapping[str, Any]]) -> str:
    """SQL expression of type STRING: the rows as a JSON array."""
    document = json.dumps(list(rows), ensure_ascii=False).encode()
    return f"safe_convert_bytes_to_string(from_base64('{base64.b64encode(document).decode()}'))"


def unnested(rows: Sequence[Mapping[str, Any]], alias: str = "r") -> str:
    """FROM item: one row of JSON text each, under `alias`."""
    return f"unnest(json_query_array({literal(rows)})) as {alias}"


def typed(columns: Mapping[str, str], row: str = "r") -> str:
    """SELECT list that turns a JSON row into columns. `columns` maps names to types, keys of _CASTS."""
    return ", ".join(f"{_CASTS[kind].format(row=row, name=name)} as {name}" for name, kind in columns.items())


def columns_of(client: bigquery.Client, table: str) -> dict[str, str]:
    """Names and types of a table's columns, in order."""
    names = {"INTEGER": "INT64"}
    schema = client.get_table(f"{client.project}.{table}").schema
    return {field.name: names.get(field.field_type, field.field_type) for field in schema}


def replace_rows(client: bigquery.Client, table: str, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Deletes the rows with these keys and inserts the given ones, in one transaction. Nothing for no rows."""
    if not rows:
        return
    columns = columns_of(client, table)
    script = f"""
        begin transaction;
        delete from {table} where {key} in (select json_value(r, '$.{key}') from {unnested(rows)});
        insert into {table} ({", ".join(columns)}) select {typed(columns)} from {unnested(rows)};
        commit transaction;
    """
    client.query(script).result()
