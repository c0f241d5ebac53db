"""What the embedded warehouse does otherwise than bqemulator: it remembers what it has parsed, and copies no table."""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest
import sqlglot
from sqlglot import ParseError, exp

from warehouse import emulator
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.emulator import LOOKING, copied, remembering
from warehouse.services import Services, runtime_environment

SQL = "select a, sum(b) as b from d.t where c in (1, 2) group by a"


@pytest.fixture
def calls():
    return []


@pytest.fixture
def parse_one(calls):
    return remembering(lambda sql, **options: calls.append(sql) or sqlglot.parse_one(sql, **options))


def test_a_text_is_parsed_once_and_what_a_caller_does_to_its_tree_stays_with_it(parse_one, calls):
    first = parse_one(SQL, read="bigquery")
    first.find(exp.Table).set("this", exp.to_identifier("changed"))
    first.args.pop("where")
    second = parse_one(SQL, dialect="bigquery")
    assert calls == [SQL]
    assert second == sqlglot.parse_one(SQL, read="bigquery")
    assert second != first


def test_a_module_that_only_looks_gets_the_tree_itself(parse_one, monkeypatch):
    monkeypatch.setattr(emulator, "LOOKING", {__name__})
    assert parse_one(SQL, read="bigquery") is parse_one(SQL, read="bigquery")


@pytest.mark.parametrize("module", sorted(LOOKING))
def test_modules_that_only_look_call_nothing_that_changes_a_tree(module):
    source = ast.parse(Path(importlib.util.find_spec(module).origin).read_text())
    called = {node.func.attr for node in ast.walk(source) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    assert "parse_one" in called
    trees_change_by = {"set", "replace", "pop", "transform", "where", "select", "limit", "set_kwargs", "add_comments"}
    in_use = {"replace"} if module.endswith("executor") else set()  # of texts: an anonymous table's id
    assert called & trees_change_by == in_use


def test_another_dialect_is_another_tree_and_options_are_handed_on(parse_one, calls):
    assert parse_one("select `a`", read="bigquery").sql("duckdb") == 'SELECT "a"'
    with pytest.raises(ParseError):
        parse_one("select `a` from", read="duckdb")
    assert isinstance(parse_one("d.t", read="bigquery", into=exp.Table), exp.Table)
    assert len(calls) == 3


def test_several_statements_come_as_a_list():
    parse = remembering(sqlglot.parse)
    assert [tree.sql() for tree in parse("select 1; select 2", "bigquery")] == ["SELECT 1", "SELECT 2"]
    parse("select 1; select 2", "bigquery")[0].set("expressions", [])
    assert [tree.sql() for tree in parse("select 1; select 2", "bigquery")] == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize("value", [{"line": 1, "name": "a"}, ["-- why"], {"a": {"b": [1]}}, [["a"]], exp.column("a")])
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value):
    made = copied(value)
    assert made == value
    assert made is not value
    if isinstance(value, dict):
        assert all(made[key] is not item for key, item in value.items() if isinstance(item, dict))
    if isinstance(value, list):
        assert all(one is not other for one, other in zip(made, value, strict=True) if isinstance(one, list))


def test_a_change_is_seen_by_the_next_query_and_the_table_is_not_copied(tmp_path):
    with patch.dict(os.environ, runtime_environment(tmp_path)), Services(load_config()) as services:
        services.start_warehouse()
        client = bigquery_client(load_config())
        client.create_dataset("d")
        seen = []
        for statement in (
            "create table d.t as select 1 as n",
            "insert into d.t values (2)",
            "update d.t set n = 3 where n = 2",
            "merge d.t using (select 4 as n) as s on t.n = s.n when not matched then insert (n) values (n)",
            "delete from d.t where n = 1",
        ):
            client.query(statement).result()
            seen.append([row.n for row in client.query("select n from d.t order by n").result()])
        client.insert_rows_json("d.t", [{"n": 5}])
        seen.append([row.n for row in client.query("select n from d.t order by n").result()])
    assert seen == [[1], [1, 2], [1, 3], [1, 3, 4], [3, 4], [3, 4, 5]]
    with duckdb.connect(str(tmp_path / "bq" / "bqemulator.duckdb"), read_only=True) as file:
        of_changes = "select count(*) from information_schema.tables where table_schema = '_bqemulator_snapshots'"
        assert file.execute(of_changes).fetchone() == (0,)
