"""Carries out what runbooks say, their queries and commands, and plants what they look for where no run brings it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from flow_harness import ROOT, rows
from google.cloud import bigquery
from typer.testing import CliRunner

from reporting.runbooks import Block, Runbook

BY_THE_FIXTURE = "make run"
"""A whole run: the fixture that left the warehouse was one, so it isn't repeated."""
AT = datetime(2026, 10, 8, 23, tzinfo=UTC)
"""When planted faults happen: the last hour of the sandbox's days."""


CRASHED = 70
"""Exit code of a command that raised."""


class Done(NamedTuple):
    """What became of one query (its rows) or one command line (its exit code and output); `number` counts from 1 among
    those of its kind and part."""

    part: str
    kind: str  # sql or sh
    number: int
    code: str
    rows: list[dict[str, Any]]
    exit_code: int
    output: str


class Carried(NamedTuple):
    """What was carried out of a runbook, and what was not, with the reason."""

    done: list[Done]
    left: list[tuple[str, str]]

    def rows(self, part: str, number: int) -> list[dict[str, Any]]:
        """Rows of the part's query of that number."""
        (found,) = [item.rows for item in self.done if (item.part, item.kind, item.number) == (part, "sql", number)]
        return found

    def commands(self, part: str) -> dict[str, Done]:
        """Command line -> what became of it."""
        return {item.code: item for item in self.done if (item.part, item.kind) == (part, "sh")}


def carry_out(
    book: Runbook,
    parts: Sequence[str],
    client: bigquery.Client,
    names: Mapping[str, str],
    known: dict[str, tuple[int, str]] | None = None,
) -> Carried:
    """Run every query and command of the parts, in order; `names` are the values of what is written in capitals.

    A query that fails raises; a command's failure is its exit code. What ended how is kept in `known`, and a command
    that is there already isn't run again: several runbooks evaluate the same rules.
    """
    known = {} if known is None else known
    carried = Carried([], [])
    numbers: dict[tuple[str, str], int] = {}
    for block in book.blocks:
        if block.part not in parts or block.language not in ("sql", "sh"):
            continue
        if block.no_test:
            carried.left.append((block.code.splitlines()[0], block.no_test))
            continue
        for code in _codes(block):
            if code.startswith(BY_THE_FIXTURE):
                carried.left.append((code, "the run that left this warehouse was it"))
                continue
            numbers[block.part, block.language] = numbers.get((block.part, block.language), 0) + 1
            place = (block.part, block.language, numbers[block.part, block.language])
            if block.language == "sql":
                try:
                    found = rows(client, _filled(code, names))
                except Exception as error:
                    raise AssertionError(f"{book.file}, {place}: {error}\n{code}") from error
                carried.done.append(Done(*place, code, found, 0, ""))
            else:
                if code not in known:
                    known[code] = command(code, names)
                carried.done.append(Done(*place, code, [], *known[code]))
    return carried


def _codes(block: Block) -> list[str]:
    if block.language == "sql":
        return [block.code]
    joined = re.sub(r"\\\n\s*", "", block.code)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _filled(query: str, names: Mapping[str, str]) -> str:
    return re.sub(r"'([A-Z][A-Z_]+)'", lambda match: f"'{names[match[1]]}'" if match[1] in names else match[0], query)


def command(line: str, names: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output. Our own commands run in this process, for a process of its own takes seconds to start.

    `names` may hold an example's month too ("2020-01"), a word of its own.
    """
    filled = re.sub(r"\$([A-Z_]+)", lambda match: names[match[1]], line)
    words = [names.get(word, word) for word in shlex.split(filled, comments=True)]
    if words[:2] == ["python", "-m"]:
        app = import_module(f"{words[2]}.__main__").app
        done = CliRunner().invoke(app, words[3:])
        if done.exception is None or isinstance(done.exception, SystemExit):
            return done.exit_code, done.output
        return CRASHED, f"{done.output}\n{done.exception!r}"
    shell = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=os.environ | dict(names), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    return shell.returncode, shell.stdout + shell.stderr


def plant(client: bigquery.Client, table: str, **values: Any) -> None:
    """Insert one row; what isn't given is null, or nothing in particular where null isn't allowed."""
    held = client.get_table(f"{client.project}.{table}")
    assert held.table_type == "TABLE", f"{table} is a view: nothing can be planted in it"
    unknown = set(values) - {field.name for field in held.schema}
    assert not unknown, f"{table} has no {unknown}"
    row = {field.name: values.get(field.name, _nothing(field.field_type)) for field in held.schema}
    names = ", ".join(f"`{name}`" for name in row)
    client.query(f"insert into {table} ({names}) values ({', '.join(map(_literal, row.values()))})").result()


_NOTHING: dict[str, Callable[[], Any]] = {
    "STRING": str,
    "DATE": AT.date,
    "TIMESTAMP": lambda: AT,
    "BOOLEAN": bool,
    "BOOL": bool,
}


def _nothing(kind: str) -> Any:
    return _NOTHING.get(kind, int)()


def _literal(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value if value is not None else "null").lower()
    if isinstance(value, datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S}+00'"
    if isinstance(value, date):
        return f"date '{value}'"
    return "'" + value.replace("'", "\\'") + "'" if isinstance(value, str) else str(value)


def environment_of_the_sandbox() -> dict[str, str]:
    """Secrets that the sandbox's warehouse was filled with, and an address for sources that nothing here calls."""
    from warehouse.services import SANDBOX_PSEUDONYM_KEY, SANDBOX_STRIPE_KEY, SANDBOX_SUBJECT_KEY

    return {
        "WAREHOUSE_PSEUDONYM_KEY": SANDBOX_PSEUDONYM_KEY,
        "WAREHOUSE_SUBJECT_KEY": SANDBOX_SUBJECT_KEY,
        "STRIPE_API_KEY": SANDBOX_STRIPE_KEY,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "COLUMNS": "240",
    }
