"""Tables of the audit dataset: explicit schemas from audit/schemas, created where they are missing.

Rows are added and never changed; nothing here drops, replaces or alters a table. There are two exceptions: a subject's
key is destroyed in `subjects` when its erasure is asked for, and a purge removes days that are past their time.
"""

from __future__ import annotations

import json
from pathlib import Path

from google.cloud import bigquery

SCHEMAS = Path(__file__).parent / "schemas"
DATASET = "audit"
PARTITIONED = {"events": "event_day", "leaves": "seal_day", "tree_nodes": "seal_day"}
"""Tables that grow with the records, and the day that they are partitioned by."""


def table_names() -> list[str]:
    """Names of the tables that have a schema."""
    return sorted(path.stem for path in SCHEMAS.glob("*.json"))


def table_schema(name: str) -> list[bigquery.SchemaField]:
    """Schema of audit.<name>. Raises FileNotFoundError for an unknown table."""
    fields = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return [bigquery.SchemaField.from_api_repr(field) for field in fields]


def ensure_tables(client: bigquery.Client) -> None:
    """Create the dataset and those of its tables that don't exist yet."""
    if DATASET not in {dataset.dataset_id for dataset in client.list_datasets()}:
        client.create_dataset(bigquery.Dataset(f"{client.project}.{DATASET}"), exists_ok=True)
    held = {table.table_id for table in client.list_tables(f"{client.project}.{DATASET}")}
    for name in table_names():
        if name not in held:
            client.create_table(_definition(client.project, name), exists_ok=True)


def _definition(project: str, name: str) -> bigquery.Table:
    table = bigquery.Table(f"{project}.{DATASET}.{name}", schema=table_schema(name))
    if name in PARTITIONED:
        table.time_partitioning = bigquery.TimePartitioning(field=PARTITIONED[name])
        table.clustering_fields = ["stream"]
    return table
