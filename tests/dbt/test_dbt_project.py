"""The dbt project itself: everything documented, contracts on marts, sources as they are loaded, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.tables import table_names, table_schema
from jobs.dbt_run import OF_A_RUN
from jobs.plan import CARRIED_ON

pytestmark = pytest.mark.xdist_group("dbt_project")
PROJECT = Path(__file__).parents[2] / "dbt_project"
CLOCK = re.compile(
    r"\b(current_(timestamp|date|datetime|time)|now|getdate|today|utcnow)\b\s*\(|\bcurrent_(timestamp|date|datetime)\b",
    re.IGNORECASE,
)
OF_ANOTHER_RUN = {
    "window_start": "2026-10-06T10:00:00Z",
    "window_end": "2026-10-06T11:00:00Z",
    "covered_until": "2026-10-07T00:00:00Z",
    "partitions": ["1970-01-01", "2026-10-02"],
    "balance_partitions": ["2026-10-02", "2026-10-03"],
    "rpc_partitions": ["2026-10-04"],
    "models_unchanged": True,
}


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_what_is_parsed_does_not_depend_on_the_run(parse: Callable, manifest: dict[str, Any]) -> None:
    """So that a run needs no parsing of its own (jobs/dbt_run.py)."""
    assert set(OF_ANOTHER_RUN) == OF_A_RUN
    other = parse(OF_ANOTHER_RUN)
    for kind in ("nodes", "sources", "exposures", "unit_tests", "docs"):
        assert _lasting(other[kind]) == _lasting(manifest[kind])
    assert len(manifest["nodes"]) > 200


def _lasting(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """All that is known of nodes but when they were parsed."""
    return {key: {name: value for name, value in node.items() if name != "created_at"} for key, node in nodes.items()}


def test_every_model_and_column_is_described(models: list[dict[str, Any]]) -> None:
    assert len(models) >= 45
    bare = [m["name"] for m in models if len(m["description"]) < 20 or not m["columns"]]
    bare += [f"{m['name']}.{c['name']}" for m in models for c in m["columns"].values() if not c["description"].strip()]
    assert bare == []


def test_every_mart_has_an_enforced_contract(models: list[dict[str, Any]]) -> None:
    marts = [m for m in models if m["schema"] == "marts"]
    assert len(marts) >= 16
    for mart in marts:
        assert mart["config"]["contract"]["enforced"], mart["name"]
        assert all(column["data_type"] for column in mart["columns"].values()), mart["name"]
        assert mart["config"]["meta"]["metrics"], mart["name"]


def test_models_are_in_their_datasets(models: list[dict[str, Any]]) -> None:
    assert {m["schema"] for m in models} == {"staging", "intermediate", "marts"}
    assert all(m["fqn"][1] == m["schema"] for m in models)


def test_every_data_test_says_what_a_failure_means(manifest: dict[str, Any]) -> None:
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    assert tests
    assert [t["name"] for t in tests if len(t["description"]) < 60] == []


def test_every_model_with_logic_has_a_unit_test(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    tested = {node for test in manifest["unit_tests"].values() for node in test["depends_on"]["nodes"]}
    assert [m["name"] for m in models if m["schema"] != "staging" and m["unique_id"] not in tested] == []


@pytest.mark.parametrize("dataset", ["raw", "ops"])
def test_sources_are_the_loaded_tables(manifest: dict[str, Any], dataset: str) -> None:
    declared = {
        s["name"]: [(c["name"], c["data_type"].upper()) for c in s["columns"].values()]
        for s in manifest["sources"].values()
        if s["schema"] == dataset
    }
    assert declared == {
        name: [(field.name, field.field_type) for field in table_schema(name, dataset)] for name in table_names(dataset)
    }


def test_every_raw_table_is_staged(manifest: dict[str, Any]) -> None:
    used = {parent for node in manifest["nodes"].values() for parent in node["depends_on"]["nodes"]}
    raw = {key for key, source in manifest["sources"].items() if source["schema"] == "raw"}
    assert raw - used == set()


def test_late_rows_of_what_is_carried_on_rebuild_the_days_after_theirs(manifest: dict[str, Any]) -> None:
    """The raw tables below every model that opens with its own day before are those whose days the plan carries on."""
    below, waiting = set(), [n for n in manifest["nodes"].values() if "opening_day(this" in n.get("raw_code", "")]
    assert len(waiting) >= 5
    while waiting:
        for name in waiting.pop()["depends_on"]["nodes"]:
            if name in manifest["sources"]:
                below.add(name)
            else:
                waiting.append(manifest["nodes"][name])
    sources = [manifest["sources"][name] for name in below]
    assert {source["name"] for source in sources if source["schema"] == "raw"} == CARRIED_ON


def test_nothing_asks_the_clock() -> None:
    said = [f"{path.name}: {line.strip()}" for path, line in _sql_lines() if CLOCK.search(line)]
    assert said == []
    assert CLOCK.search("where at > current_timestamp()")


def test_money_is_never_a_float() -> None:
    said = [
        f"{path.name}: {line.strip()}" for path, line in _sql_lines() if re.search(r"float64|safe_divide|\bavg\(", line)
    ]
    assert said == []


def _sql_lines() -> Iterator[tuple[Path, str]]:
    for folder in ("models", "tests", "macros"):
        for path in sorted((PROJECT / folder).rglob("*.sql")):
            for line in path.read_text().splitlines():
                if not line.lstrip().startswith("--"):
                    yield path, line


def test_profiles_differ_only_in_how_they_connect() -> None:
    outputs = yaml.safe_load((PROJECT / "profiles.yml").read_text())["escrow_warehouse"]["outputs"]
    connection = {"method", "token", "api_endpoint", "threads", "job_execution_timeout_seconds", "job_retries"}
    kept = [{k: v for k, v in outputs[name].items() if k not in connection} for name in ("embedded", "bigquery")]
    assert kept[0] == kept[1]
