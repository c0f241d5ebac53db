"""The documented top-level fields of Firebase's records, from known_fields.yml."""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path

from warehouse.yaml_text import from_yaml

FIELDS_FILE = Path(__file__).parent / "known_fields.yml"


@cache
def known_fields(name: str) -> frozenset[str]:
    """Fields of one kind of record. Raises KeyError."""
    return frozenset(chain(*from_yaml(FIELDS_FILE.read_text(encoding="utf-8"))[name]))
