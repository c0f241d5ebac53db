"""Raw and ops tables: explicit schemas from ingestion/schemas, created where they are missing, never altered here."""

from __future__ import annotations

import json
from pathlib import Path

from google.cloud import bigquery

SCHEMAS = Path(__file__).parent / "schemas"
RAW, OPS, SCRATCH = "raw", "ops", "scratch"
OF_OBJECTS = {"schema_changes": OPS, "record_counts": OPS}
"""Tables outside raw that rows of landed objects go to."""
DATASETS = (RAW, OPS, SCRATCH, "staging", "intermediate", "marts")


def table_schema(name: str, dataset: str = RAW) -> list[bigquery.SchemaField]:
    """Schema of raw.<name> or ops.<name>. Raises KeyError for an unknown table."""
    path = (SCHEMAS / "ops" if dataset == OPS else SCHEMAS) / f"{name}.json"
    if not path.is_file():
        raise KeyError(f"no schema for {dataset}.{name}")
    return [bigquery.SchemaField.from_api_repr(field) for field in json.loads(path.read_text(encoding="utf-8"))]


def home(name: str) -> str:
    """Dataset of a table that rows of landed objects go to."""
    return OF_OBJECTS.get(name, RAW)


def table_names(dataset: str = RAW) -> list[str]:
    """Names of the tables that have a schema."""
    return sorted(path.stem for path in (SCHEMAS / "ops" if dataset == OPS else SCHEMAS).glob("*.json"))


def ensure_tables(client: bigquery.Client) -> None:
    """Create the datasets and the raw and ops tables that don't exist yet."""
    existing = {dataset.dataset_id for dataset in client.list_datasets()}
    for name in DATASETS:
        if name not in existing:
            client.create_dataset(bigquery.Dataset(f"{client.project}.{name}"), exists_ok=True)
    for dataset in (RAW, OPS):
        held = {table.table_id for table in client.list_tables(f"{client.project}.{dataset}")}
        for name in table_names(dataset):
            if name not in held:
                client.create_table(_definition(client.project, dataset, name), exists_ok=True)


def _definition(project: str, dataset: str, name: str) -> bigquery.Table:
    """Raw tables are partitioned by the day of the source's own time and clustered by the object they came from."""
    table = bigquery.Table(f"{project}.{dataset}.{name}", schema=table_schema(name, dataset))
    if dataset == RAW:
        table.time_partitioning = bigquery.TimePartitioning(field="_event_date")
        table.clustering_fields = ["_object_uri"]
    if name == "objects":
        table.clustering_fields = ["source", "slice"]  # looked up for every object that arrives
    return table
