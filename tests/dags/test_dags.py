"""Policy of the DAGs, as tests."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from ingestion.sources import NAMES
from warehouse.services import runtime_environment

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    before = dict(os.environ)
    os.environ.update(runtime_environment(tmp_path_factory.mktemp("airflow")))
    from airflow.dag_processing.dagbag import DagBag

    yield DagBag(str(DAGS))
    os.environ.clear()
    os.environ.update(before)


def test_every_dag_loads_and_none_is_missing(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"ingest_{name}" for name in NAMES} | {
        "transform_hourly",
        "nightly_close",
        "alerts",
        "retention",
    }


def test_every_task_has_owner_retries_with_backoff_a_limit_and_an_alert(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            where = f"{dag.dag_id}.{task.task_id}"
            assert task.owner == "warehouse", where
            assert task.retries == 3, where
            assert task.retry_exponential_backoff, where
            assert task.execution_timeout is not None, where
            callbacks = task.on_failure_callback
            callbacks = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
            assert [callback.__name__ for callback in callbacks] == ["alert_on_failure"], where


def test_every_dag_has_tags_documentation_one_run_at_a_time_and_no_catchup(bag):
    for dag in bag.dags.values():
        assert dag.tags, dag.dag_id
        assert len(dag.doc_md.strip()) > 80, dag.dag_id
        assert dag.max_active_runs == 1, dag.dag_id
        assert dag.catchup is False, dag.dag_id
        if dag.dag_id != "alerts":  # it works on no data
            assert set(dag.params) == {"window_start", "window_end"}, dag.dag_id


def test_the_transform_waits_for_all_four_sources(bag):
    condition = bag.dags["transform_hourly"].timetable.asset_condition
    assert type(condition).__name__ == "AssetAll"
    assert {asset.uri for asset in condition.objects} == {f"warehouse://raw/{name}" for name in NAMES}


def test_every_ingest_dag_emits_its_asset(bag):
    for name in NAMES:
        outlets = [asset.uri for task in bag.dags[f"ingest_{name}"].tasks for asset in task.outlets]
        assert outlets == [f"warehouse://raw/{name}"]


def test_the_nightly_close_goes_on_without_a_source_that_fails(bag):
    nightly = bag.dags["nightly_close"]
    assert nightly.get_task("build_models").trigger_rule == "all_done"
    assert [task.task_id for task in nightly.topological_sort()] == [
        "ingest_late", "build_models", "record_audit", "seal_audit", "anchor_seals", "run_checks", "send_alerts",
        "write_report", "tell_outside",
    ]  # fmt: skip


def test_every_dag_has_a_deadline_after_which_a_person_hears_of_it(bag):
    due = {
        dag_id: [(alert.reference.reference_name, alert.interval.total_seconds() / 3600) for alert in dag.deadline]
        for dag_id, dag in bag.dags.items()
        if dag.deadline  # the one that runs every few minutes has none
    }
    assert due == {
        **{f"ingest_{name}": [("DagRunLogicalDateDeadline", 3)] for name in NAMES},
        "transform_hourly": [("DagRunQueuedAtDeadline", 1)],
        "nightly_close": [("DagRunLogicalDateDeadline", 28)],
    }
    callbacks = {alert.callback.path for dag in bag.dags.values() for alert in dag.deadline or ()}
    assert callbacks == {"jobs.airflow_support.alert_when_late"}


def test_what_a_failed_read_has_landed_is_loaded_and_the_source_counts_as_not_ingested(bag):
    for name in NAMES:
        dag = bag.dags[f"ingest_{name}"]
        assert dag.get_task("load").trigger_rule == "all_done"
        assert dag.get_task("verify").upstream_task_ids == {"land", "load"}
        assert dag.get_task("verify").trigger_rule == "all_success"


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_dag_files_are_thin(path):
    """No Variable, no network and no warehouse client at import; a file stays short."""
    text = path.read_text()
    assert len(text.splitlines()) < 100
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] + [getattr(node, "module", "") or ""])
    }
    assert not imported & {"Variable", "Connection", "requests", "httpx", "google.cloud", "stripe"}
