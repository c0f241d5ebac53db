"""Starts the embedded warehouse (`python -m warehouse.emulator start ...`, as `bqemulator start ...`) with a memory.

The emulator parses every statement about ten times, once for each thing that it wants to know of it, and three quarters
of its time go there. Here a text is parsed once, and every caller gets a copy of the tree that it may change.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot.expressions import core

STATEMENTS = 64
"""Trees that are kept: those of the statements at work, and of texts that come again and again, as those of views."""
YOUNG, MIDDLE, OLD = 100_000, 20, 100
"""Thresholds of the garbage collector: at Python's own it walks over the kept trees again and again."""


def remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    """sqlglot.parse or sqlglot.parse_one with a memory; with other options than a dialect it is called as it is."""
    parsed = lru_cache(STATEMENTS)(lambda sql, dialect: parse(sql, read=dialect))

    def remembered(sql: str, read: Any = None, dialect: Any = None, **options: Any) -> Any:
        if any(option is not None for option in options.values()) or not isinstance(read or dialect, str):
            return parse(sql, read=read, dialect=dialect, **options)
        trees = parsed(sql, read or dialect)
        return [tree and tree.copy() for tree in trees] if isinstance(trees, list) else trees.copy()

    return remembered


def copied(value: Any, memo: Any = None) -> Any:
    """deepcopy for what sqlglot calls it with at every node of a tree: a place in the text, and comments."""
    if type(value) is dict and all(type(item) in (int, str) for item in value.values()):
        return value.copy()
    return value.copy() if type(value) is list and all(type(item) is str for item in value) else deepcopy(value, memo)


if __name__ == "__main__":
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    core.deepcopy = copied
    sqlglot.parse, sqlglot.parse_one = remembering(sqlglot.parse), remembering(sqlglot.parse_one)
    from bqemulator.cli import main

    main(prog_name="bqemulator")
