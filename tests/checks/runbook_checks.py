"""What runbooks may name: tables with their columns and commands with their options, as they are defined."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlglot
import typer
import typer.main
import yaml
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from audit.tables import SCHEMAS as AUDIT_SCHEMAS
from ingestion.tables import SCHEMAS
from reporting.runbooks import Runbook

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "dbt_project" / "models"
PROGRAMS = ("alerting", "audit", "expectations", "ingestion", "jobs")
"""Packages with a command line that people use."""
UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for arguments that a command doesn't take; typer exports only its children."""


@cache
def columns_of() -> dict[str, dict[str, dict[str, str]]]:
    """Data set -> table -> column -> type, of everything that a runbook may read."""
    return {
        "marts": dict(_contracts(MODELS / "marts")),
        "staging": dict(_contracts(MODELS / "staging")),
        "raw": dict(_schemas(SCHEMAS)),
        "ops": dict(_schemas(SCHEMAS / "ops")),
        "audit": dict(_schemas(AUDIT_SCHEMAS)),
    }


def _contracts(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in folder.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            yield model["name"], {column["name"]: column["data_type"] for column in model["columns"]}


def _schemas(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in folder.glob("*.json"):
        fields = json.loads(path.read_text(encoding="utf-8"))
        yield path.stem, {field["name"]: _type(field) for field in fields}


def _type(field: dict[str, str]) -> str:
    return f"array<{field['type']}>" if field.get("mode") == "REPEATED" else field["type"]


def problem_of(query: str) -> str | None:
    """What is wrong with a query: it can't be parsed, or names a table or column that isn't there. None: nothing is."""
    try:
        tree = sqlglot.parse_one(query, dialect="bigquery")
    except SqlglotError as error:
        return f"can't be parsed: {error}"
    if not isinstance(tree, exp.Query):
        return "is no select"
    named = {part.alias for part in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.db or table.name not in named]
    if not tables:
        return "reads no table"
    for table in tables:
        if table.name not in columns_of().get(table.db, {}):
            return f"there is no {table.db}.{table.name}"
    try:
        qualify(tree, schema=columns_of(), dialect="bigquery", quote_identifiers=False)
    except SqlglotError as error:
        return str(error)
    return None


def lines_of(code: str) -> list[str]:
    """The commands of a shell block, one a line: continued lines joined, without comments and empty lines."""
    joined = re.sub(r"\\\n\s*", "", code)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def mentions(book: Runbook) -> list[str]:
    """Commands that the text names in backquotes, outside of fenced blocks."""
    text = re.sub(r"^ *```.*?^ *```", "", book.text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]
    return [span for span in spans if span.startswith(("python -m ", "make "))]


def command_problem(line: str, *, whole: bool) -> str | None:
    """Why a command line would be refused; None for one that is fine, or that isn't one of ours.

    `whole`: its arguments must be complete and of the right type; otherwise it is a mention, which may leave some out.
    """
    words = shlex.split(line, comments=True)
    if words[:1] == ["make"]:
        return None if words[1] in _targets() else f"make has no target {words[1]}"
    if words[:2] != ["python", "-m"]:
        return None
    if words[2] not in PROGRAMS:
        return f"there is no python -m {words[2]}"
    try:
        return _refusal(typer.main.get_command(import_module(f"{words[2]}.__main__").app), words[2], words[3:], whole)
    except UsageError as error:
        return error.format_message()


def _refusal(command: Any, name: str, words: list[str], whole: bool, parent: Any = None) -> str | None:
    """Walk to the command that the words name and let it read its arguments; nothing is carried out."""
    if hasattr(command, "get_command"):  # a group
        if not words:
            return f"{name}: a command is missing" if whole else None
        context = command.context_class(command, info_name=name, parent=parent)
        found = command.get_command(context, words[0])
        return _refusal(found, words[0], words[1:], whole, context) if found else f"{name}: no command {words[0]}"
    if whole:
        command.make_context(name, list(words), parent=parent)
        return None
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if word.startswith("--") and word not in known]
    return f"{name}: no option {unknown[0]}" if unknown else None


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
