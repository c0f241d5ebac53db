"""Rows become columns as they are, or an error says why; nothing is rounded, cut or left out on the way to a table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from google.cloud.bigquery import SchemaField

from ingestion import run, staging
from ingestion.staging import RowFiles, Scratch, columnar
from warehouse.config import load_config

SCHEMA = [
    SchemaField("text", "STRING"),
    SchemaField("number", "INT64"),
    SchemaField("flag", "BOOL"),
    SchemaField("day", "DATE"),
    SchemaField("at", "TIMESTAMP"),
    SchemaField("amount", "NUMERIC"),
]
ROWS = [
    ('Zürich \U0001f3c6 "quoted"\n', -(2**63), True, "0001-01-01", "0001-01-01T00:00:00Z", "9" * 29 + ".999999999"),
    ("", 2**63 - 1, False, "9999-12-31", "9999-12-31T23:59:59.999999Z", "-" + "9" * 29),
    (None, None, None, None, None, None),
    ("x" * 100_000, 0, True, "2026-10-05", "2026-10-05T00:00:00.123Z", "0.000000001"),
]


def as_rows(values):
    return [dict(zip([column.name for column in SCHEMA], row, strict=True)) for row in values]


def test_every_type_arrives_exactly_also_from_several_files_and_row_groups(embedded, monkeypatch):
    monkeypatch.setattr(staging, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(staging, "GROUP_ROWS", 20)
    ctx = run.context(load_config())
    with RowFiles() as files, Scratch(ctx.client, ctx.filesystem, ctx.config.staging, "types") as scratch:
        for name in ("1", "2"):
            with RowFiles(files.subfolder(name)) as others:
                for _ in range(12):
                    for row in as_rows(ROWS):
                        others.add("every", row, SCHEMA)
                files.adopt(others.finish())
        table = scratch.load("every", files.tables()["every"], SCHEMA)
        held = {tuple(row.values()) for row in ctx.client.query(f"select * from {table}").result()}
        [count] = ctx.client.query(f"select count(*) as n from {table}").result()
    assert count["n"] == 2 * 12 * len(ROWS)
    assert held == {
        (*ROWS[0][:3], date(1, 1, 1), datetime(1, 1, 1, tzinfo=UTC), Decimal(ROWS[0][5])),
        ("", 2**63 - 1, False, date.max, datetime.max.replace(tzinfo=UTC), Decimal(ROWS[1][5])),
        ROWS[2],
        (
            "x" * 100_000,
            0,
            True,
            date(2026, 10, 5),
            datetime(2026, 10, 5, 0, 0, 0, 123_000, UTC),
            Decimal("0.000000001"),
        ),
    }


def test_a_column_that_a_row_leaves_out_is_null():
    assert columnar([{"text": "a"}, {"number": 1}], SCHEMA[:2]).to_pylist() == [
        {"text": "a", "number": None},
        {"text": None, "number": 1},
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"text": 1},
        {"number": "1"},
        {"number": True},
        {"number": 2**63},
        {"flag": 1},
        {"day": "2026-13-01"},
        {"at": "soon"},
        {"at": "2026-10-05T00:00:00.1234567Z"},
        {"amount": 1},
        {"amount": "0.0000000001"},
        {"other": "x"},
    ],
)
def test_what_does_not_fit_its_column_is_refused(row):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        columnar([row], SCHEMA)
