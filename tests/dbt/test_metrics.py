"""The metrics' definitions: complete, agreeing with the marts' contracts, and what is written from them is fresh."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from reporting import metrics
from reporting.contracts import load_contracts

ROOT = Path(__file__).parents[2]
DBT = ROOT / "dbt_project"


def test_all_metrics_of_the_list_are_defined():
    assert [metric.id for metric in metrics.load_metrics(DBT / "metrics")] == [f"M{n}" for n in range(1, 26)]


def test_definitions_and_contracts_agree():
    assert metrics.undefined(metrics.load_metrics(DBT / "metrics"), load_contracts(DBT / "models")) == []


def test_a_column_that_no_contract_has_and_a_metric_without_a_mart_are_told():
    defined = metrics.load_metrics(DBT / "metrics")
    marts = [mart for mart in load_contracts(DBT / "models") if mart.name != "matches_daily"]
    told = metrics.undefined(defined, marts)
    assert "M16: no mart carries it" in told
    assert "M16: no mart has the grain day" in told


def test_the_page_and_the_doc_blocks_are_as_written_from_the_definitions():
    defined, marts = metrics.load_metrics(DBT / "metrics"), load_contracts(DBT / "models")
    assert (ROOT / metrics.PAGE).read_text() == metrics.page(defined, marts)
    assert (ROOT / metrics.BLOCKS).read_text() == metrics.doc_blocks(defined)


def test_each_answer_names_a_test_that_there_is():
    names = {path.stem for path in (DBT / "tests").glob("*.sql")}
    for path in (DBT / "models").rglob("*.yml"):
        names |= {test["name"] for test in (yaml.safe_load(path.read_text()) or {}).get("unit_tests", [])}
    for path in (ROOT / "tests").rglob("test_*.py"):
        names |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    answers = [item for metric in metrics.load_metrics(DBT / "metrics") for item in metric.semantics]
    assert len(answers) >= 8
    assert [item.test for item in answers if item.test not in names] == []
