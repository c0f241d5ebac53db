"""The embedded warehouse's memory of what it has parsed: the same trees, and nobody's change is seen by another."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import ParseError, exp

from warehouse.emulator import copied, remembering

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
