"""dbt's exposures: who reads which columns of which mart. Looker's explores and dashboards, and the alert rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import sqlglot
from sqlglot import expressions

from expectations.rules import Rule
from reporting.contracts import Contract
from reporting.looker_views import columns_behind, view

EXPOSURES = Path("dbt_project/models/exposures.yml")
_PLACEHOLDER = re.compile(r"\{[a-z_.]+\}")
Columns = dict[str, set[str]]


class Page(Protocol):
    """What a dashboard must tell; each element has a `mart` and `fields`."""

    description: str
    elements: Sequence[Any]


def exposures(contracts: Sequence[Contract], dashboards: Mapping[str, Page], rules: Iterable[Rule]) -> dict[str, Any]:
    """The document of exposures.yml.

    meta.columns: by mart (or `dataset.table` of a source, without columns) the columns that are used, with their types.
    """
    by_name = {contract.name: contract for contract in contracts}
    types = {contract.name: contract.types for contract in contracts}
    found = [
        _exposure(
            f"explore_{contract.name}",
            "analysis",
            contract.description,
            contract.owner,
            {contract.name: contract.names},
            types,
        )
        for contract in contracts
    ]
    for name, page in dashboards.items():
        found.append(
            _exposure(f"dashboard_{name}", "dashboard", page.description, "data", _shown(page, by_name), types)
        )
    for rule in sorted(rules, key=lambda rule: rule.name):
        found.append(_exposure(f"rule_{rule.name}", "application", rule.title, "data", _read(rule, by_name), types))
    return {"version": 2, "exposures": found}


def taken_away(stated: Mapping[str, Any], contracts: Iterable[Contract]) -> dict[str, str]:
    """mart.column -> what became of it and who uses it, for columns of stated exposures that are gone or retyped."""
    held = {contract.name: contract.types for contract in contracts}
    users: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for exposure in stated["exposures"]:
        for table, columns in exposure["config"]["meta"]["columns"].items():
            for column, kind in columns.items():
                users[table, column, kind].append(exposure["name"])
    found = {}
    for (table, column, kind), names in sorted(users.items()):
        now = held.get(table, {}).get(column)
        if now != kind:
            what = "is gone" if now is None else f"was {kind} and is {now}"
            found[f"{table}.{column}"] = f"{table}.{column} {what}; used by {', '.join(sorted(names))}"
    return found


def _exposure(
    name: str,
    kind: str,
    description: str,
    owner: str,
    columns: Mapping[str, Iterable[str]],
    types: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    used = {table: {column: types[table][column] for column in sorted(names)} for table, names in columns.items()}
    return {
        "name": name,
        "type": kind,
        "maturity": "high",
        "description": description,
        "owner": {"name": owner},
        "depends_on": [_reference(table) for table in sorted(columns)],
        "config": {"meta": {"columns": dict(sorted(used.items()))}},
    }


def _reference(table: str) -> str:
    dataset, dot, name = table.partition(".")
    return f"source('{dataset}', '{name}')" if dot else f"ref('{table}')"


def _shown(page: Page, contracts: Mapping[str, Contract]) -> Columns:
    columns: Columns = defaultdict(set)
    for chart in page.elements:
        made = view(contracts[chart.mart])
        for field in chart.fields:
            columns[chart.mart] |= columns_behind(made, field)
    return columns


def _read(rule: Rule, contracts: Mapping[str, Contract]) -> Columns:
    """Columns of the marts in a rule's queries, by their names; any other table is named without columns."""
    columns: Columns = {_table(rule.mart): set()}
    names = {*rule.labels, *rule.figures}
    for query in filter(None, (rule.failing_rows, rule.evidence)):
        tree = sqlglot.parse_one(_PLACEHOLDER.sub(_stand_in(rule.mart), query), read="bigquery")
        names |= {column.name for column in tree.find_all(expressions.Column)}
        for table in tree.find_all(expressions.Table):
            if table.db:
                columns.setdefault(_table(f"{table.db}.{table.name}"), set())
    for table in columns:
        if table in contracts:
            columns[table] = names & contracts[table].names
    return columns


def _table(name: str) -> str:
    """A model by its bare name, as in ref(); any other table with its dataset, as in source()."""
    dataset, _, table = name.partition(".")
    return table if dataset in ("marts", "intermediate", "staging") else name


def _stand_in(mart: str) -> Any:
    def replaced(found: re.Match[str]) -> str:
        return mart if found.group() == "{batch}" else "'2026-01-01'"

    return replaced
