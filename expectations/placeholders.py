"""Placeholders of rule queries.

{batch}, {window_start}, {window_end}, {read_from}, {judged_from}, {thresholds.<key>}, {configured.<what>}, {runbooks}.

They become SQL literals of fixed forms (table, timestamp, number, JSON text), so that a value can never change the
query's shape. A threshold with decimals is a NUMERIC, so that comparing it with counts is exact. A threshold that maps
names to numbers, and {runbooks}, are the text of a JSON array for unnest(json_query_array(...)), of objects with `name`
and `value`; or `runbook`, `last_reviewed` and `review_every_days`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from expectations.table import literal
from reporting.runbooks import runbooks_reviewed
from warehouse.config import Config, Thresholds
from warehouse.window import Window

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_READS = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)
_TIMES = ("window_start", "window_end", "read_from", "judged_from")

RUNBOOKS = Path(__file__).parents[1] / "runbooks"

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
        if name in ("batch", "runbooks", *_TIMES):
            continue
        if key == "thresholds" and rest.split(".")[0] in Thresholds.model_fields:
            continue
        if key == "configured" and rest in CONFIGURED:
            continue
        raise ValueError(f"unknown placeholder {{{name}}}")


def fill(
    sql: str,
    window: Window,
    read_from: datetime | None,
    config: Config,
    batch: str = "{batch}",
    runbooks: Path = RUNBOOKS,
) -> str:
    """The query with its placeholders replaced; {batch} stays unless a table is given.

    `read_from` None reads from the beginning of time. Raises ValueError for a threshold that is no number or map of
    numbers, and for a runbook whose review can't be read.
    """
    times = {
        "window_start": window.start,
        "window_end": window.end,
        "read_from": read_from or BEGINNING,
        "judged_from": judged_from(window, config),
    }

    def written(match: re.Match[str]) -> str:
        name = match[1]
        if name == "batch":
            return batch
        if name == "runbooks":
            return literal(_reviews(runbooks))
        if name in times:
            return _timestamp(times[name])
        kind, _, key = name.partition(".")
        return str(CONFIGURED[key](config)) if kind == "configured" else _threshold(name, config.thresholds)

    return _PLACEHOLDER.sub(written, sql).strip().rstrip(";").rstrip()


def judged_from(window: Window, config: Config) -> datetime:
    """Start of the windows that are judged with `window`: itself and, for late data, thresholds.late_windows before."""
    return window.start - config.thresholds.late_windows * (window.end - window.start)


def _reviews(folder: Path) -> list[dict[str, str]]:
    return [
        {
            "runbook": review.file,
            "last_reviewed": review.last_reviewed.isoformat(),
            "review_every_days": str(review.review_every_days),
        }
        for review in runbooks_reviewed(folder)
    ]


def _timestamp(instant: datetime) -> str:
    return f"timestamp '{instant.astimezone(UTC).isoformat(sep=' ', timespec='microseconds')}'"


def _threshold(name: str, thresholds: Thresholds) -> str:
    value: Any = thresholds
    for part in name.split(".")[1:]:
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    if isinstance(value, Mapping) and all(_is_number(item) for item in value.values()):
        return literal([{"name": key, "value": _decimal(item)} for key, item in value.items()])
    if not _is_number(value):
        raise ValueError(f"{name} is not a number in the configuration")
    return repr(value) if isinstance(value, int) else f"parse_numeric('{_decimal(value)}')"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimal(value: float) -> str:
    return format(Decimal(repr(value)).normalize(), "f")
