"""Which partitioned inputs of a compiled query are cut to constant partitions, by reading the SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp

Partitions = Mapping[str, str]
"""Relation ("dataset.table") -> its partition column."""


def uncut(sql: str, partitions: Partitions) -> list[str]:
    """Partitioned relations that the query reads without cutting their partition column to constants.

    Cut: a condition of the select that reads it, anded with all others, compares the column with constants by =, IN,
    BETWEEN or >=, or is an OR of such comparisons; a >= reads from one constant day on, which is the new data and
    nothing of the history.
    """
    tree = sqlglot.parse_one(sql, read="bigquery")
    found = []
    for select in tree.find_all(exp.Select):
        for table in _sources(select):
            name = f"{table.db}.{table.name}"
            if name in partitions and not _is_cut(select, table, partitions[name]):
                found.append(name)
    return sorted(set(found))


def _names(select: exp.Select, table: exp.Table) -> set[str]:
    """What a column of the table may be called by."""
    return {table.alias_or_name} | ({""} if len(list(_sources(select))) == 1 else set())


def _sources(select: exp.Select) -> Iterator[exp.Table]:
    clauses = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or [])]
    for clause in clauses:
        if clause is not None and isinstance(clause.this, exp.Table):
            yield clause.this


def _is_cut(select: exp.Select, table: exp.Table, column: str) -> bool:
    conditions = [clause.this for clause in [select.args.get("where")] if clause is not None]
    conditions += [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on") is not None]
    return any(_compares(part, _names(select, table), column) for condition in conditions for part in _anded(condition))


def _anded(condition: exp.Expression) -> Iterator[exp.Expression]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _anded(condition.left)
        yield from _anded(condition.right)
    else:
        yield condition


def _compares(part: exp.Expression, names: set[str], column: str) -> bool:
    if isinstance(part, exp.Boolean):
        return not part.this  # where false: nothing is read
    if isinstance(part, exp.Or):
        return all(_compares(side.unnest(), names, column) for side in (part.left, part.right))
    subject = part.this
    if not isinstance(subject, exp.Column) or subject.name != column or subject.table not in names:
        return False
    if isinstance(part, exp.In):
        return bool(part.expressions) and all(map(_is_constant, part.expressions))
    if isinstance(part, exp.Between):
        return _is_constant(part.args["low"]) and _is_constant(part.args["high"])
    return isinstance(part, exp.EQ | exp.GTE) and _is_constant(part.expression)


def _is_constant(value: exp.Expression) -> bool:
    return not list(value.find_all(exp.Column, exp.Select))
