"""LookML and dbt's exposures: as written from the contracts, by Looker's grammar, naming only what is there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import lkml
import pytest
import yaml

from expectations.rules import load_rules
from reporting import looker
from reporting.contracts import Column, Contract, load_contracts
from reporting.exposures import EXPOSURES, exposures, taken_away
from reporting.looker_views import columns_behind, field_names, view

ROOT = Path(__file__).parents[2]
LOOKER = ROOT / "looker"


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return {contract.name: contract for contract in load_contracts(ROOT / "dbt_project" / "models")}


@pytest.fixture(scope="module")
def views() -> dict[str, dict[str, Any]]:
    """The view files as Looker's grammar reads them."""
    found = [lkml.load(path.read_text())["views"] for path in sorted((LOOKER / "views").glob("*.view.lkml"))]
    assert all(len(of_file) == 1 for of_file in found)
    return {of_file[0]["name"]: of_file[0] for of_file in found}


@pytest.fixture(scope="module")
def fields(views) -> dict[str, set[str]]:
    """View -> what a query can name, as Looker makes it up."""
    return {
        name: {field["name"] for kind in ("dimensions", "measures") for field in made.get(kind, [])}
        | {f"{group['name']}_{frame}" for group in made.get("dimension_groups", []) for frame in group["timeframes"]}
        for name, made in views.items()
    }


def test_the_files_are_as_written_from_the_contracts(contracts):
    written = looker.files(list(contracts.values()), looker.load_dashboards())
    held = {
        path.relative_to(LOOKER).as_posix(): path.read_text()
        for path in LOOKER.rglob("*")
        if path.suffix in (".lkml", ".lookml")
    }
    assert sorted(held) == sorted(written)
    assert [name for name, text in written.items() if held[name] != text] == []


def test_the_exposures_are_as_written_from_what_reads_the_marts(contracts):
    made = exposures(list(contracts.values()), looker.load_dashboards(), load_rules())
    assert yaml.safe_load((ROOT / EXPOSURES).read_text()) == made
    names = {exposure["name"] for exposure in made["exposures"]}
    assert {f"rule_{rule.name}" for rule in load_rules()} | {f"explore_{name}" for name in contracts} <= names


def test_no_column_that_looker_or_a_rule_uses_is_gone_or_has_another_type(contracts):
    assert taken_away(yaml.safe_load((ROOT / EXPOSURES).read_text()), contracts.values()) == {}


def test_a_column_that_is_dropped_or_retyped_is_told_with_its_users(contracts):
    stated = exposures(list(contracts.values()), looker.load_dashboards(), load_rules())
    escrow = contracts["escrow_reconciliation"]
    kept = [replace(column, data_type="string") if column.name == "slot" else column for column in escrow.columns]
    changed = replace(escrow, columns=tuple(column for column in kept if column.name != "ledger_difference"))
    told = taken_away(stated, (contracts | {"escrow_reconciliation": changed}).values())
    assert told.keys() == {"escrow_reconciliation.ledger_difference", "escrow_reconciliation.slot"}
    assert told["escrow_reconciliation.slot"].startswith("escrow_reconciliation.slot was int64 and is string; used by ")
    gone = told["escrow_reconciliation.ledger_difference"]
    assert "explore_escrow_reconciliation" in gone
    assert "rule_escrow_mismatch" in gone


def test_every_column_that_a_field_reads_is_in_a_contract(contracts, views):
    assert views.keys() == contracts.keys()
    for name, made in views.items():
        assert made["sql_table_name"] == f"marts.{name}"
        sql = " ".join(
            field.get("sql", "")
            for kind in ("dimensions", "dimension_groups", "measures")
            for field in made.get(kind, [])
        )
        assert set(re.findall(r"\$\{TABLE\}\.(\w+)", sql)) == contracts[name].names, name


def test_explores_and_their_filters_are_of_fields_that_there_are(views, fields):
    model = lkml.load((LOOKER / "escrow_warehouse.model.lkml").read_text())
    assert {explore["name"] for explore in model["explores"]} == views.keys()
    for explore in model["explores"]:
        for filters in explore.get("always_filter", {}).get("filters__all", []):
            names = [name.split(".") for place in filters for name in place]
            assert [name for name in names if name[1] not in fields[name[0]]] == []
    always = {
        explore["name"]: [place for filters in explore["always_filter"]["filters__all"] for place in filters]
        for explore in model["explores"]
        if "always_filter" in explore
    }
    day = {"chain_transactions_hourly.transaction_date": "30 days"}
    assert always["chain_transactions_hourly"] == [day, {"chain_transactions_hourly.scope": "all"}]


def test_every_dashboard_element_names_fields_that_there_are(views, fields):
    paths = sorted((LOOKER / "dashboards").glob("*.dashboard.lookml"))
    assert {path.name.split(".")[0] for path in paths} == {"money", "chain_health", "compliance", "operations"}
    for path in paths:
        (dashboard,) = yaml.safe_load(path.read_text())
        names = [element["name"] for element in dashboard["elements"]]
        assert len(names) == len(set(names)) > 3
        for element in dashboard["elements"]:
            named = [*element["fields"], *element.get("pivots", []), *element.get("listen", {}).values()]
            named += [*element.get("filters", {}), *(sort.split()[0] for sort in element.get("sorts", []))]
            assert [name for name in named if name.split(".")[1] not in fields[element["explore"]]] == [], path.name
            needed = {
                f"{element['explore']}.{other}"
                for measure in views[element["explore"]]["measures"]
                if f"{element['explore']}.{measure['name']}" in element["fields"]
                for other in measure.get("required_fields", [])
            }
            assert needed <= set(element["fields"]), f"{path.name}: {element['title']}"


def contract(*columns: Column) -> Contract:
    return Contract("payments_daily", "money", "Payments.", "data", "day, currency", ("paid_date", "currency"), columns)


PAYMENTS = contract(
    Column("paid_date", "date", "Day.", True),
    Column("currency", "string", "Currency.", True),
    Column("decimals", "int64", "Decimals.", True),
    Column("gross", "numeric", "Minor units.", True),
    Column("latency_p95_ms", "int64", "p95.", False),
    Column("mean_numerator", "numeric", "gross.", True),
    Column("mean_denominator", "int64", "Payments.", True),
    Column("refund_rate_numerator", "int64", "Refunds.", True),
    Column("refund_rate_denominator", "int64", "Payments.", True),
)


def test_a_view_sums_what_adds_up_and_divides_sums():
    made = view(PAYMENTS)
    measures = {field["name"]: field for field in made["measures"]}
    assert measures["gross"]["sql"] == "${TABLE}.gross"
    assert measures["gross"]["required_fields"] == measures["gross_in_units"]["required_fields"] == ["currency"]
    assert measures["gross_in_units"]["type"] == "sum"
    assert "float" not in str(made)
    assert (measures["max_latency_p95_ms"]["type"], "latency_p95_ms" in measures) == ("max", False)
    assert (
        measures["refund_rate"]["sql"]
        == "cast(${refund_rate_numerator} as numeric) / nullif(${refund_rate_denominator}, 0)"
    )
    assert (measures["refund_rate"]["value_format_name"], measures["mean"]["value_format_name"]) == (
        "percent_2",
        "decimal_2",
    )
    assert measures["mean_in_units"]["required_fields"] == ["currency"]
    assert columns_behind(made, "mean_in_units") == {"mean_numerator", "mean_denominator", "decimals"}
    assert measures["refund_rate_numerator"]["hidden"] == "yes"
    assert columns_behind(made, "refund_rate") == {"refund_rate_numerator", "refund_rate_denominator"}
    assert columns_behind(made, "gross_in_units") == {"gross", "decimals"}
    assert columns_behind(made, "paid_month") == {"paid_date"}
    with pytest.raises(KeyError):
        columns_behind(made, "gross_month")


@pytest.mark.parametrize(
    ("name", "adds_up"),
    [("requests", True), ("new_users", True), ("slot_lag_samples", True), ("duration_sum_ms", True), ("users", False),
     ("duration_p95_ms", False), ("as_of_slot", False), ("transactions_24h", False), ("limit_per_user", False)],
)  # fmt: skip
def test_what_adds_up_goes_by_its_name_unless_the_contract_says(tmp_path, name, adds_up):
    folder = tmp_path / "marts" / "money"
    folder.mkdir(parents=True)
    columns = [{"name": name, "data_type": "int64", "description": "A figure. {{ doc('m17') }}"}]
    columns.append(columns[0] | {"config": {"meta": {"additive": not adds_up}}})
    meta = {"owner": "data", "grain": "day", "key": ["day"], "metrics": ["M17"]}
    model = {"name": "m", "description": 'A "mart".', "config": {"meta": meta}, "columns": columns}
    (folder / "m.yml").write_text(yaml.safe_dump({"models": [model]}))
    (read,) = load_contracts(tmp_path)
    assert [column.additive for column in read.columns] == [adds_up, not adds_up]
    assert (read.area, read.description, read.columns[0].description) == ("money", "A 'mart'.", "A figure.")


def test_two_columns_never_give_one_field():
    both = contract(*PAYMENTS.columns, Column("paid_at", "timestamp", "Time.", True))
    assert {"paid_date", "paid_at_time", "paid_at_date"} <= set(field_names(view(both)))
    with pytest.raises(ValueError, match="two columns give the field max_latency_p95_ms"):
        view(contract(*PAYMENTS.columns, Column("max_latency_p95_ms", "int64", "A name that is taken.", True)))


def test_a_dashboard_that_names_what_is_not_there_is_refused():
    element = {"title": "Gross", "mart": "payments_daily", "kind": "looker_line"}
    page = {"title": "T", "description": "D"}
    for wrong, why in (
        ({"fields": ["paid_date", "net"]}, "no field payments_daily.net"),
        ({"fields": ["paid_date", "gross"]}, "lacks currency, which its amounts need"),
        ({"fields": ["paid_date"], "mart": "payments"}, "no mart payments"),
        ({"fields": ["paid_date"], "pivot": "currency"}, "pivot currency is not among its fields"),
        ({"fields": ["paid_date"], "sorts": ["net desc"]}, "no field payments_daily.net"),
        ({"fields": ["paid_date"], "filters": {"net": "1"}}, "no field payments_daily.net"),
    ):
        dashboard = looker.Dashboard.model_validate({**page, "elements": [{**element, **wrong}]})
        with pytest.raises(ValueError, match=why):
            looker.files([PAYMENTS], {"money": dashboard})


def test_what_is_no_longer_made_is_removed(tmp_path):
    looker.write(tmp_path, {"views/a.view.lkml": "a", "m.model.lkml": "m"})
    (tmp_path / "README.md").write_text("kept")
    looker.write(tmp_path, {"views/b.view.lkml": "b", "m.model.lkml": "m"})
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"b.view.lkml", "m.model.lkml", "README.md"}


def test_an_exposure_of_a_rule_names_the_columns_of_its_queries(contracts):
    made = {item["name"]: item for item in exposures(list(contracts.values()), {}, load_rules())["exposures"]}
    stale = made["rule_pending_stale"]
    assert stale["depends_on"] == ["ref('chain_coverage')", "ref('chain_pending')"]
    assert stale["config"]["meta"]["columns"]["chain_coverage"] == {"address": "string", "to_time": "timestamp"}
    assert {"state", "age_minutes", "signature"} <= set(stale["config"]["meta"]["columns"]["chain_pending"])
    assert made["rule_step_failed"]["depends_on"] == ["source('ops', 'attempts')"]
