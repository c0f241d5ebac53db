"""The marts that the rules read, made by their contracts in a project of a warehouse, and filled by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from google.cloud import bigquery
from rule_scenarios import STATE_MARTS, Rows, World, texts

from expectations.rules import Rule
from expectations.table import typed, unnested
from reporting.contracts import load_contracts

ROWS_A_STATEMENT = 1000
_DAY_OF = {"marts.rpc_health": "date(window_start)"}
_CONTRACTS = {f"marts.{contract.name}": contract for contract in load_contracts()}


def marts_of(rules: Iterable[Rule]) -> set[str]:
    """The marts in the rules' queries."""
    queries = [text for rule in rules for text in (rule.failing_rows, rule.evidence or "", rule.mart)]
    return {name for query in queries for name in re.findall(r"\bmarts\.\w+", query)} | {
        "marts.warehouse_metric_status"
    }


class Marts:
    """Empty tables with the contracts' columns, filled with days and states."""

    def __init__(self, client: bigquery.Client, marts: Iterable[str]) -> None:
        self.client = client
        self.columns = {mart: self._make(mart) for mart in sorted(marts)}
        self._held: dict[str, Rows] = {mart: [] for mart in self.columns}

    def _make(self, mart: str) -> dict[str, str]:
        columns = {name: kind.upper() for name, kind in _CONTRACTS[mart].types.items()}
        # A bare NUMERIC in DDL is DECIMAL(18, 3) on the embedded warehouse.
        kinds = {name: "numeric(38, 9)" if kind == "NUMERIC" else kind for name, kind in columns.items()}
        definition = ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())
        self.client.query(f"create or replace table {mart} ({definition})").result()
        return columns

    def add_days(self, worlds: Iterable[World]) -> None:
        """Rows of many days, of the marts that hold days."""
        together: dict[str, Rows] = defaultdict(list)
        for world in worlds:
            for mart, rows in world.items():
                if mart in self.columns and mart not in STATE_MARTS:
                    together[mart] += rows
        for mart, rows in together.items():
            self._insert(mart, rows)

    def replace_day(self, day: datetime, world: World) -> None:
        """These rows in place of the day's; marts that hold no days are left alone."""
        for mart, rows in world.items():
            if mart in self.columns and mart not in STATE_MARTS:
                column = _DAY_OF.get(mart) or _CONTRACTS[mart].partition
                self.client.query(f"delete from {mart} where {column} = date '{day.date()}'").result()
                self._insert(mart, rows)

    def set_state(self, world: World) -> None:
        """The state marts as `world` has them; what is the same already is left alone."""
        for mart in sorted(STATE_MARTS & set(world) & set(self.columns)):
            rows = texts(world[mart])
            if rows != self._held[mart]:
                self.client.query(f"delete from {mart} where true").result()
                self._insert(mart, rows)
                self._held[mart] = rows

    def _insert(self, mart: str, rows: Sequence[Mapping]) -> None:
        columns = self.columns[mart]
        names = ", ".join(f"`{name}`" for name in columns)
        for at in range(0, len(rows), ROWS_A_STATEMENT):
            chunk = unnested(texts(rows[at : at + ROWS_A_STATEMENT]))
            self.client.query(f"insert into {mart} ({names}) select {typed(columns)} from {chunk}").result()


def days_from(first: date, count: int, apart: int) -> list[datetime]:
    """`count` midnights (UTC), so many days apart."""
    from datetime import UTC, timedelta

    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return [start + timedelta(days=apart * n) for n in range(count)]
