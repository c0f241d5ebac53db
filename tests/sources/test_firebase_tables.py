"""Changelog and log sink as BigQuery tables: late rows are found, and however often an hour is read, a row is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from ingestion import run
from ingestion.base import Context
from ingestion.errors import SourceUnavailable
from ingestion.sources import source
from warehouse.config import ConfigError, load_config
from warehouse.window import Window

DAY = datetime(2023, 8, 19, tzinfo=UTC)
NAME = "projects/demo-p/databases/(default)/documents/users/u1/items/i1"
Row = dict[str, Any]


def window(first: int, last: int) -> Window:
    return Window(DAY + timedelta(hours=first), DAY + timedelta(hours=last))


def make(ctx: Context, table: str, schema: list[Row]) -> None:
    fields = [bigquery.SchemaField.from_api_repr(field) for field in schema]
    made = bigquery.Table(f"{ctx.client.project}.{table}", schema=fields)
    made.time_partitioning = bigquery.TimePartitioning(field="timestamp")
    ctx.client.create_dataset(table.split(".")[0], exists_ok=True)
    ctx.client.create_table(made)


def add(ctx: Context, table: str, rows: list[Row]) -> None:
    path = ctx.filesystem
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write(uri := f"gs://firebase-tables/{table}-{len(body)}.ndjson", body)
    job = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
    ctx.client.load_table_from_uri(uri, f"{ctx.client.project}.{table}", job_config=job).result()


@pytest.fixture
def with_tables(embedded):
    def made(landing: str, **tables: str) -> Context:
        config = load_config()
        none = dict.fromkeys(("changelog", "auth_export", "cloud_logging", "managed_export"))
        own = {name: f"{config.project}.{table}" for name, table in tables.items()}
        firebase = config.sources.firebase.model_copy(update=none | own | {"late_hours": 2})
        sources = config.sources.model_copy(update={"firebase": firebase, "unusable": None})
        return run.context(config.model_copy(update={"sources": sources, "landing": landing}))

    return made


def load(ctx: Context, window: Window) -> int:
    """Lands and loads a window; gives the number of new objects."""
    landed = run.land(source("firebase"), window, ctx, "t")
    run.load(source("firebase"), window, ctx, "t")
    return landed


def objects(ctx: Context, dataset: str) -> list[tuple[str, int, int, int]]:
    rows = ctx.query(
        "select origin_uri, generation, rows_loaded, rows_quarantined from ops.objects "
        f"where source = 'firebase' and dataset = '{dataset}' order by origin_uri, generation"
    )
    return [(row["origin_uri"].rpartition("://")[2].partition("/")[2], *list(row.values())[1:]) for row in rows]


@pytest.fixture
def changelog(with_tables, fixtures, request) -> Iterator[tuple[Context, str, list[Row]]]:
    """A context that reads an empty changelog table, the table, and the recorded rows."""
    table = f"firestore_export.items{len(request.node.name)}_raw_changelog"
    ctx = with_tables("gs://firebase-changelog-landing", changelog_table=table)
    folder = fixtures / "firebase/firestore_changelog"
    schema = json.loads((folder / "raw_changelog_schema.json").read_text())
    make(ctx, table, [*schema["RawChangelogSchema"]["fields"], schema["path_params"]])
    lines = (folder / "change_tracker_2.2.1_rows.ndjson").read_bytes().splitlines()
    yield ctx, table, [json.loads(line)["json"] for line in lines]
    ctx.client.query("delete from ops.objects where uri like 'gs://firebase-changelog-landing/%'").result()
    ctx.client.query(
        "delete from raw.firestore_changelog where _object_uri like 'gs://firebase-changelog-landing/%'"
    ).result()


def test_late_and_repeated_changelog_rows_converge(changelog):
    ctx, table, rows = changelog
    create, update, delete, imported, again = rows
    add(ctx, table, [create, update, imported])
    assert load(ctx, window(7, 8)) == 2
    assert load(ctx, window(7, 8)) == 0
    add(ctx, table, [delete, again, update])  # the export function ran again for the update, and late for the others
    assert load(ctx, window(9, 10)) == 1
    assert load(ctx, window(10, 11)) == 0
    hour = "2023/08/19/07.ndjson"
    assert objects(ctx, "firestore_changelog_table") == [
        (hour, 1, 2, 0),
        (hour, 2, 5, 0),
        ("imports.ndjson", 1, 1, 0),
    ]
    held = ctx.query("select event_id, operation, data, old_data, document_name from raw.firestore_changelog")
    assert {row["event_id"]: row["operation"] for row in held} == {
        "e1-0": "CREATE", "e2-0": "UPDATE", "e3-0": "DELETE", "e4-0": "UPDATE", "": "IMPORT",
    }  # fmt: skip
    for row in held:
        [stated] = [change for change in rows if change["event_id"] == row["event_id"]]
        for name in ("data", "old_data"):
            assert json.loads(row[name] or "null") == json.loads(stated.get(name) or "null")
    counts = ctx.query(f"select records from ops.record_counts where _object_uri like '%{table}%'")
    assert sorted(row["records"] for row in counts) == [1, 2, 5]


def test_a_window_reads_whole_hours_and_the_late_ones_before_it_and_no_more(changelog):
    ctx, table, rows = changelog
    minutes = (4 * 60 + 59, 5 * 60, 7 * 60 + 59, 8 * 60)
    add(ctx, table, [
        rows[0] | {"event_id": f"m{at}", "timestamp": (DAY + timedelta(minutes=at)).isoformat()} for at in minutes
    ])  # fmt: skip
    load(ctx, Window(DAY + timedelta(hours=7, minutes=10), DAY + timedelta(hours=7, minutes=20)))
    assert [place for place, *_ in objects(ctx, "firestore_changelog_table")] == [
        "2023/08/19/05.ndjson",
        "2023/08/19/07.ndjson",
    ]


SINK = [
    {"name": "timestamp", "type": "TIMESTAMP"},
    {"name": "insertId", "type": "STRING"},
    {"name": "logName", "type": "STRING"},
    {"name": "severity", "type": "STRING"},
    {"name": "resource", "type": "RECORD", "fields": [{"name": "type", "type": "STRING"}]},
    {"name": "jsonpayload_v1_writer", "type": "RECORD", "fields": [
        {"name": "collection", "type": "STRING"},
        {"name": "code", "type": "STRING"},
        {"name": "durationms", "type": "FLOAT"},
    ]},
    {"name": "protopayload_auditlog", "type": "RECORD", "fields": [
        {"name": "serviceName", "type": "STRING"},
        {"name": "methodName", "type": "STRING"},
        {"name": "status", "type": "RECORD", "fields": [{"name": "code", "type": "INTEGER"}]},
        {"name": "requestJson", "type": "STRING"},
    ]},
]  # fmt: skip


def entry(insert_id: str, at: datetime, **payload: Row) -> Row:
    own = {"insertId": insert_id, "logName": "projects/p/logs/l", "severity": "ERROR", "resource": {"type": "t"}}
    return own | {"timestamp": at.isoformat()} | payload


@pytest.mark.parametrize("dated", [True, False])
def test_sink_tables_dated_or_partitioned_give_the_same_entries(with_tables, dated):
    folder = f"log_sink_{'dated' if dated else 'one'}"
    ctx = with_tables(
        f"gs://{folder}-landing", cloud_logging_table=f"{folder}.writer_*" if dated else f"{folder}.writer"
    )
    written = "projects/p/databases/(default)/documents/ledger/e1"
    days = {
        DAY: [
            entry("i1", DAY + timedelta(hours=23), jsonpayload_v1_writer={"collection": "matches", "code": "ABORTED"}),
            entry("i1", DAY + timedelta(hours=23), jsonpayload_v1_writer={"collection": "matches", "code": "ABORTED"}),
        ],
        DAY + timedelta(days=2): [  # no table for the day between
            entry("i2", DAY + timedelta(days=2, minutes=5), protopayload_auditlog={
                "serviceName": "firestore.googleapis.com",
                "methodName": "google.firestore.v1.Firestore.Commit",
                "status": {"code": 7},
                "requestJson": json.dumps({"writes": [{"delete": written}]}),
            }),
        ],
    }  # fmt: skip
    for day, rows in days.items():
        name = f"{folder}.writer_{day:%Y%m%d}" if dated else f"{folder}.writer"
        if dated or day == DAY:
            make(ctx, name, SINK)
        add(ctx, name, rows)
    assert load(ctx, window(24, 72)) == 2
    assert load(ctx, window(24, 72)) == 0
    held = ctx.query(
        "select insert_id, service, method, error_code, collections, record from raw.cloud_logging_entries "
        f"where _object_uri like '%{folder}%' order by insert_id, _line"
    )
    commit = "google.firestore.v1.Firestore.Commit"
    assert [tuple(row.values())[:5] for row in held] == [
        ("i1", None, None, "ABORTED", '["matches"]'),
        ("i1", None, None, "ABORTED", '["matches"]'),
        ("i2", "firestore.googleapis.com", commit, "PERMISSION_DENIED", '["ledger"]'),
    ]
    assert json.loads(held[0]["record"])["jsonpayload_v1_writer"] == {"collection": "matches", "code": "ABORTED"}
    changed = ctx.query(f"select field from ops.schema_changes where _object_uri like '%{folder}%'")
    assert changed == []


def test_a_table_that_is_not_there_is_an_error_that_names_it(with_tables):
    ctx = with_tables("gs://firebase-nowhere-landing", changelog_table="nowhere.none_raw_changelog")
    with pytest.raises(SourceUnavailable, match=r"there is no BigQuery table escrow-warehouse\.nowhere\.none_raw"):
        run.land(source("firebase"), window(7, 8), ctx, "t")


@pytest.mark.parametrize("table", ["dataset.table", "project-x.d.t*", "project-x.d.t; drop"])
def test_a_changelog_table_is_one_table_with_its_project(tmp_path, table):
    text = Path("config/warehouse.yml").read_text()
    path = tmp_path / "warehouse.yml"
    path.write_text(text.replace("firebase:\n    enabled: true", f"firebase:\n    changelog_table: {table!r}"))
    with pytest.raises(ConfigError, match=r"sources\.firebase\.changelog_table"):
        load_config(path)
