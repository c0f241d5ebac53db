"""The marts' contracts as their yml files state them: what metrics, figures, Looker's views and exposures go by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.yaml_text import from_yaml

MODELS = Path("dbt_project/models")
_DOC = re.compile(r"\s*\{\{.*?\}\}")
_NOT_ADDITIVE = re.compile(
    r"^(?!new|.*_samples$).*?(^|_)(p\d\d|max|min|median|slot|seq|age|balance|outstanding|opening|closing|reported|baseline"
    r"|users|active|open|limit|number|position|generation|\d+h|\d+d)(_|$)"
)
"""Names of what is no sum and gives none: percentiles, extremes, states at a time, distinct people, rolling figures."""


@dataclass(frozen=True)
class Column:
    """A column of a contract; `additive`: its sum over rows means something, by meta.additive, else by its name."""

    name: str
    data_type: str
    description: str
    additive: bool


@dataclass(frozen=True)
class Contract:
    """A mart: `area` is its folder, `key` the columns that tell its rows apart (empty where it doesn't say).

    `metrics`: those that it carries. `meta`: all that its yml says of it under config.meta.
    """

    name: str
    area: str
    description: str
    owner: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    metrics: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The columns' names."""
        return frozenset(column.name for column in self.columns)

    @property
    def types(self) -> dict[str, str]:
        """The columns' types by name."""
        return {column.name: column.data_type for column in self.columns}

    @property
    def partition(self) -> str | None:
        """The day that cuts what a query scans: the first DATE of the key, else the first DATE."""
        dates = [column.name for column in self.columns if column.data_type == "date"]
        return next((name for name in dates if name in self.key), next(iter(dates), None))


def load_contracts(models: Path = MODELS) -> list[Contract]:
    """All marts, by name."""
    found = []
    for path in (models / "marts").rglob("*.yml"):
        for model in (from_yaml(path.read_text(encoding="utf-8")) or {}).get("models", []):
            found.append(_contract(model, path.parent.name))
    return sorted(found, key=lambda contract: contract.name)


def _contract(model: Mapping[str, Any], area: str) -> Contract:
    meta = model["config"]["meta"]
    return Contract(
        name=model["name"],
        area=area,
        description=plain(model["description"]),
        owner=meta["owner"],
        grain=str(meta["grain"]),
        key=tuple(meta.get("key") or ()),
        columns=tuple(_column(column) for column in model["columns"]),
        metrics=tuple(meta["metrics"]),
        meta=meta,
    )


def _column(column: Mapping[str, Any]) -> Column:
    meta = (column.get("config") or {}).get("meta") or {}
    additive = meta.get("additive", not _NOT_ADDITIVE.search(column["name"]))
    return Column(column["name"], column["data_type"].lower(), plain(column["description"]), additive)


def plain(text: str) -> str:
    """A description on one line, without references to doc blocks and without double quotes."""
    return " ".join(_DOC.sub("", text).split()).replace('"', "'")
