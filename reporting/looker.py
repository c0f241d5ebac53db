"""Looker's files, written from the marts' contracts: views, model, dashboards; and dbt's exposures of all that.

python -m reporting.looker

It refuses where a column that Looker or an alert rule uses is gone or has another type: `--allow mart.column` says that
its users know.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import lkml
import typer
import yaml

from expectations.rules import load_rules
from reporting.contracts import Contract, load_contracts
from reporting.exposures import EXPOSURES, exposures, taken_away
from reporting.looker_views import day_field, field_names, required, view, words
from warehouse.section import Section
from warehouse.yaml_text import from_yaml

FOLDER = Path("looker")
MODEL = "escrow_warehouse"
DASHBOARDS = Path(__file__).parent / "dashboards.yml"
DAYS_SHOWN = "30 days"
SCOPE = "scope"
"""Key column of marts that hold the same things at several levels: a query takes one of them."""
_ROW, _WIDTH = 6, 12
_NOTE = "# Written by `python -m reporting.looker` from the marts' contracts; edit there.\n"


class Element(Section):
    """One chart: a mart's fields, without the view's name; `pivot` is one of them."""

    title: str
    mart: str
    fields: list[str]
    kind: Literal["looker_column", "looker_line", "looker_area", "looker_bar", "looker_grid", "single_value"]
    pivot: str | None = None
    sorts: list[str] = []
    filters: dict[str, str] = {}


class Dashboard(Section):
    """A page of charts, two beside each other."""

    title: str
    description: str
    elements: list[Element]


def load_dashboards(path: Path = DASHBOARDS) -> dict[str, Dashboard]:
    """Dashboards by name. Raises ValidationError."""
    told = from_yaml(path.read_text(encoding="utf-8"))
    return {name: Dashboard.model_validate(dashboard) for name, dashboard in told.items()}


def files(contracts: Sequence[Contract], dashboards: Mapping[str, Dashboard]) -> dict[str, str]:
    """Path below looker/ -> text. Raises ValueError for a dashboard that names what isn't there."""
    views = {contract.name: view(contract) for contract in contracts}
    if wrong := unknown_fields(views, dashboards):
        raise ValueError("\n".join(wrong))
    made = {f"views/{name}.view.lkml": _NOTE + lkml.dump({"views": [fields]}) + "\n" for name, fields in views.items()}
    made[f"{MODEL}.model.lkml"] = _NOTE + lkml.dump(_model(contracts)) + "\n"
    days = {contract.name: day_field(contract) for contract in contracts}
    for name, dashboard in dashboards.items():
        made[f"dashboards/{name}.dashboard.lookml"] = _NOTE + _yaml([_dashboard(name, dashboard, days)])
    return made


def unknown_fields(views: Mapping[str, Mapping[str, Any]], dashboards: Mapping[str, Dashboard]) -> list[str]:
    """A line for each mart or field that a dashboard names and that isn't there."""
    wrong = []
    for name, dashboard in dashboards.items():
        for element in dashboard.elements:
            place = f"dashboard {name}, {element.title}"
            if element.mart not in views:
                wrong.append(f"{place}: no mart {element.mart}")
                continue
            held = set(field_names(dict(views[element.mart])))
            used = [*element.fields, *element.filters, *(sort.split()[0] for sort in element.sorts)]
            wrong += [f"{place}: no field {element.mart}.{field}" for field in used if field not in held]
            needed = {name for field in element.fields for name in required(views[element.mart], field)}
            wrong += [f"{place}: lacks {name}, which its amounts need" for name in sorted(needed - set(element.fields))]
            if SCOPE in held and SCOPE not in {*element.fields, *element.filters}:
                wrong.append(f"{place}: takes no {SCOPE} of {element.mart}")
            if element.pivot and element.pivot not in element.fields:
                wrong.append(f"{place}: pivot {element.pivot} is not among its fields")
    return wrong


def _model(contracts: Iterable[Contract]) -> dict[str, Any]:
    explores = []
    for contract in contracts:
        explore: dict[str, Any] = {
            "name": contract.name,
            "label": words(contract.name),
            "group_label": words(contract.area),
            "description": f"{contract.description} A row per {contract.grain}.",
        }
        filters = [{f"{contract.name}.{day}": DAYS_SHOWN}] if (day := day_field(contract)) else []
        if SCOPE in contract.key:
            filters.append({f"{contract.name}.{SCOPE}": "all"})
        if filters:
            explore["always_filter"] = {"filters__all": [filters]}
        explores.append(explore)
    return {
        "connection": MODEL,
        "label": "Escrow Warehouse",
        "includes": ["/views/*.view.lkml", "/dashboards/*.dashboard.lookml"],
        "datagroups": [
            {
                "name": "after_a_build",
                "sql_trigger": "select max(ended_at) from marts.warehouse_runs where step = 'transform'",
                "max_cache_age": "25 hours",
            }
        ],
        "persist_with": "after_a_build",
        "explores": explores,
    }


def _dashboard(name: str, dashboard: Dashboard, days: Mapping[str, str | None]) -> dict[str, Any]:
    """A date filter cuts every chart whose mart has days."""
    return {
        "dashboard": name,
        "title": dashboard.title,
        "description": dashboard.description,
        "layout": "newspaper",
        "preferred_viewer": "dashboards-next",
        "filters": [
            {"name": "day", "title": "Day (UTC)", "type": "date_filter", "default_value": DAYS_SHOWN, "required": True}
        ],
        "elements": [_element(place, element, days[element.mart]) for place, element in enumerate(dashboard.elements)],
    }


def _element(place: int, element: Element, day: str | None) -> dict[str, Any]:
    def named(field: str) -> str:
        return f"{element.mart}.{field}"

    return {
        "name": element.title.lower(),
        "title": element.title,
        "model": MODEL,
        "explore": element.mart,
        "type": element.kind,
        "fields": [named(field) for field in element.fields],
        **({"pivots": [named(element.pivot)]} if element.pivot else {}),
        **({"sorts": [named(sort) for sort in element.sorts]} if element.sorts else {}),
        **({"filters": {named(field): value for field, value in element.filters.items()}} if element.filters else {}),
        "limit": 500,
        **({"listen": {"day": named(day)}} if day else {}),
        "row": place // 2 * _ROW,
        "col": place % 2 * _WIDTH,
        "width": _WIDTH,
        "height": _ROW,
    }


def _yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the files; what the generator made before and no longer does is removed."""
    for pattern in ("views/*.view.lkml", "dashboards/*.dashboard.lookml", "*.model.lkml"):
        for path in folder.glob(pattern):
            if path.relative_to(folder).as_posix() not in texts:
                path.unlink()
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def main(
    allow: Annotated[list[str] | None, typer.Option(help="mart.column that may be dropped or retyped")] = None,
) -> None:
    """Write Looker's files and dbt's exposures."""
    contracts, dashboards = load_contracts(), load_dashboards()
    taken = taken_away(from_yaml(EXPOSURES.read_text(encoding="utf-8")), contracts)
    refused = [line for column, line in taken.items() if column not in (allow or ())]
    if refused:
        print("\n".join(refused), file=sys.stderr)
        raise typer.Exit(1)
    write(FOLDER, files(contracts, dashboards))
    EXPOSURES.write_text(_NOTE + _yaml(exposures(contracts, dashboards, load_rules())), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
