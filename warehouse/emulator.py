"""Starts the embedded warehouse (`python -m warehouse.emulator start ...`, as `bqemulator start ...`), made faster.

The emulator parses every statement about ten times, once for each thing that it wants to know of it, and three quarters
of its time go there. Here a text is parsed once, and a caller that may change the tree gets a copy of it. And after
every change it copies the whole table, to answer FOR SYSTEM_TIME AS OF for a week: nobody asks that here, and a night
would cost what the history is.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot.expressions import core

STATEMENTS = 64
"""Trees that are kept: those of the statements at work, and of texts that come again and again, as those of views."""
LOOKING = {"bqemulator.jobs.executor", "bqemulator.catalog.ddl_sync", "bqemulator.sql.catalog_schema"}
"""Modules that read trees and change none: they get the kept one, for a third of the time went into copies."""
YOUNG, MIDDLE, OLD = 100_000, 20, 100
"""Thresholds of the garbage collector: at Python's own it walks over the kept trees again and again."""


def remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    """sqlglot.parse or sqlglot.parse_one with a memory; with other options than a dialect it is called as it is."""
    parsed = lru_cache(STATEMENTS)(lambda sql, dialect: parse(sql, read=dialect))

    def remembered(sql: str, read: Any = None, dialect: Any = None, **options: Any) -> Any:
        if any(option is not None for option in options.values()) or not isinstance(read or dialect, str):
            return parse(sql, read=read, dialect=dialect, **options)
        trees = parsed(sql, read or dialect)
        if sys._getframe(1).f_globals["__name__"] in LOOKING:
            return trees
        return [tree and tree.copy() for tree in trees] if isinstance(trees, list) else trees.copy()

    return remembered


def copied(value: Any, memo: Any = None) -> Any:
    """deepcopy for what sqlglot calls it with at every node of a tree: a place in the text, and comments."""
    if type(value) is dict and all(type(item) in (int, str) for item in value.values()):
        return value.copy()
    return value.copy() if type(value) is list and all(type(item) is str for item in value) else deepcopy(value, memo)


def only_asked_for(capture: Callable[..., Any]) -> Callable[..., Any]:
    """SnapshotManager.capture for snapshots that somebody asks for; none of a table because it changed."""

    def captured(manager: Any, *table: str, kind: str = "AUTO") -> Any:
        return None if kind == "AUTO" else capture(manager, *table, kind=kind)

    return captured


if __name__ == "__main__":
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    core.deepcopy = copied
    sqlglot.parse, sqlglot.parse_one = remembering(sqlglot.parse), remembering(sqlglot.parse_one)
    from bqemulator.cli import main
    from bqemulator.versioning.snapshots import SnapshotManager

    SnapshotManager.capture = only_asked_for(SnapshotManager.capture)
    main(prog_name="bqemulator")
