"""Placeholders of rule queries.

{batch}, {window_start}, {window_end}, {read_from}, {thresholds.<key>} and {configured.<what>}.

They become SQL literals of fixed forms (table, timestamp, number), so that a value can never change the query's shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from warehouse.config import Config, Thresholds
from warehouse.window import Window

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_READS = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)
_TIMES = ("window_start", "window_end", "read_from")

BEGINNING = datetime.min.replace(tzinfo=UTC)
CONFIGURED: dict[str, Callable[[Config], int]] = {
    "vaults": lambda config: len(config.own.vaults),
    "watched_addresses": lambda config: len(config.own.own_addresses()) if config.sources.solana.enabled else 0,
    "watched_accounts": lambda config: (
        len(config.own.own_addresses() - {config.own.program_id}) if config.sources.solana.enabled else 0
    ),
    "rpc_providers": lambda config: len(config.sources.solana.providers) if config.sources.solana.enabled else 0,
}
"""How many of something the configuration has, so that a rule can tell no data from nothing to watch."""


def check(sql: str) -> None:
    """Raises ValueError when a rule's query isn't one reading statement over {batch} with known placeholders."""
    if not _READS.match(sql) or ";" in sql.rstrip().rstrip(";"):
        raise ValueError("must be one query that begins with select or with")
    names = _PLACEHOLDER.findall(sql)
    if "batch" not in names:
        raise ValueError("must read from {batch}")
    for name in names:
        key, _, rest = name.partition(".")
        if name == "batch" or name in _TIMES:
            continue
        if key == "thresholds" and rest.split(".")[0] in Thresholds.model_fields:
            continue
        if key == "configured" and rest in CONFIGURED:
            continue
        raise ValueError(f"unknown placeholder {{{name}}}")


def fill(sql: str, window: Window, read_from: datetime | None, config: Config, batch: str = "{batch}") -> str:
    """The query with its placeholders replaced; {batch} stays unless a table is given.

    `read_from` None reads from the beginning of time. Raises ValueError for a threshold that isn't a number.
    """
    times = {"window_start": window.start, "window_end": window.end, "read_from": read_from or BEGINNING}

    def literal(match: re.Match[str]) -> str:
        name = match[1]
        if name == "batch":
            return batch
        if name in times:
            return _timestamp(times[name])
        kind, _, key = name.partition(".")
        return str(CONFIGURED[key](config)) if kind == "configured" else _threshold(name, config.thresholds)

    return _PLACEHOLDER.sub(literal, sql).strip().rstrip(";").rstrip()


def _timestamp(instant: datetime) -> str:
    return f"timestamp '{instant.astimezone(UTC).isoformat(sep=' ', timespec='microseconds')}'"


def _threshold(name: str, thresholds: Thresholds) -> str:
    value: Any = thresholds
    for part in name.split(".")[1:]:
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is not a number in the configuration")
    return repr(value)
