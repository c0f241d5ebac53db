"""A night costs what its new data cost: no incremental model reads the history of a partitioned input."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery
from pruning import uncut

from ingestion.tables import RAW, table_names

pytestmark = pytest.mark.xdist_group("dbt_project")
NIGHT = {
    "window_start": "2026-10-06T00:00:00Z",
    "window_end": "2026-10-07T00:00:00Z",
    "partitions": ["1970-01-01", "2026-10-02", "2026-10-06"],
    "balance_partitions": [f"2026-10-0{day}" for day in range(2, 7)],
    "models_unchanged": True,
}
READ_WHOLE: dict[tuple[str, str], str] = {
    ("int_audit__chain_findings", "intermediate.int_audit__stream_runs"): "a row per stream and day: gaps between days",
    ("int_audit__event_findings", "intermediate.int_audit__stream_runs"): "the same; whether any record ever came",
    ("int_audit__time_findings", "intermediate.int_audit__stream_runs"): "the same; the last record before a silence",
}
"""(model, input) -> why it may read all partitions."""


@pytest.fixture(scope="module")
def compiled(home: Path, client: bigquery.Client, dbt: Callable) -> dict[str, Any]:
    """The manifest with every model's SQL compiled in its incremental form, whatever the warehouse holds."""
    os.environ["WAREHOUSE_TARGET"] = "lint"
    dbt(["compile", "--no-introspect"], NIGHT)
    return json.loads((home / "dbt" / "target" / "manifest.json").read_text())


def partitions(compiled: dict[str, Any]) -> dict[str, str]:
    """Raw tables, the staging views over them, models that state a partition, and views over any of them.

    A view that names no partition of its own (`meta.partition`) has "": whoever reads it reads all that it reads.
    """
    found = {f"{RAW}.{name}": "_event_date" for name in table_names(RAW)}
    views = []
    for node in compiled["nodes"].values():
        if node["resource_type"] != "model":
            continue
        name, stated = f"{node['schema']}.{node['name']}", node["config"].get("partition_by")
        if node["schema"] == "staging" and "event_date" in node["columns"]:
            found[name] = "event_date"
        elif stated and node["config"]["materialized"] == "incremental":
            found[name] = stated["field"]
        elif node["config"]["materialized"] == "view" and node["schema"] != "staging":
            views.append((name, node["config"]["meta"].get("partition", "")))
    return found | dict(views)


def test_every_partitioned_input_is_cut_to_constant_partitions(compiled: dict[str, Any]) -> None:
    inputs = partitions(compiled)
    models = [
        node
        for node in compiled["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    ]
    assert len(models) > 20
    assert len(inputs) > 60
    found = {(node["name"], name) for node in models for name in uncut(node["compiled_code"], inputs)}
    assert found == set(READ_WHOLE)


def test_what_is_carried_on_from_the_day_before_is_built_without_a_gap(compiled: dict[str, Any]) -> None:
    """Also when documents were imported, of which the partition is 1970-01-01: what nothing moves would be lost."""
    stated = {
        node["name"]: re.search(r"-- partitions: ([0-9,-]+)", node["compiled_code"])[1].split(",")
        for node in compiled["nodes"].values()
        if "opening_day(this" in node.get("raw_code", "")
    }
    days = [f"2026-10-0{day}" for day in range(1, 7)]
    assert stated.pop("chain_native_balances_hourly") == days
    assert len(stated) >= 4
    assert {name: found for name, found in stated.items() if found != days[1:]} == {}


def test_no_view_knows_of_the_window_so_a_night_may_leave_them_as_they_are(compiled: dict[str, Any]) -> None:
    views = [node for node in compiled["nodes"].values() if node["config"].get("materialized") == "view"]
    assert len(views) > 50
    assert [node["name"] for node in views if re.search(r"2026-10-\d\d", node["compiled_code"])] == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 from s.t where day in (date '2026-10-05') and x > 1", []),
        ("select 1 from s.t as a join s.u on a.x = u.x where a.day between date '2026-10-05' and date '2026-10-6'", []),
        ("select 1 from s.u as b join s.t as a on a.x = b.x and a.day = date '2026-10-05'", []),
        ("select 1 from s.t where (day = date '2026-10-05' or day between date '2026-10-7' and date '2026-10-9')", []),
        ("with c as (select * from s.t) select 1 from c where day = date '2026-10-05'", ["s.t"]),
        ("select 1 from s.t where day in (date '2026-10-05') or x > 1", ["s.t"]),
        ("select 1 from s.t where day in (select day from s.u)", ["s.t"]),
        ("select 1 from s.t where day >= other", ["s.t"]),
        ("select 1 from s.u as b join s.t as a on a.day = b.day where b.day = date '2026-10-05'", ["s.t"]),
        ("select 1 from s.u where x in (select x from s.t)", ["s.t"]),
        ("select 1 from s.t where false", []),
    ],
    ids=["in", "alias", "join", "spans", "cte", "or", "subquery", "column", "other", "inner", "false"],
)  # fmt: skip
def test_what_counts_as_cut(sql: str, expected: list[str]) -> None:
    assert uncut(sql, {"s.t": "day"}) == expected
