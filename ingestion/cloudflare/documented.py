"""The documented fields of a Logpush dataset: their types, spelling, and how the text of a CSV cell becomes a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingestion import fields
from ingestion.jsontext import BadJson, loads
from warehouse.yaml_text import from_yaml

FIELDS_FILE = Path(__file__).parent / "documented_fields.yml"
_WHOLE = re.compile(r"-?[0-9]{1,30}", re.ASCII)
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class Documented:
    """Fields of one dataset.

    types     field -> int, float, bool, time, json or string
    spelling  field in lower case -> as documented (copies made by other tools have lower-case keys)
    known     both spellings
    """

    types: dict[str, str]
    spelling: dict[str, str]
    known: frozenset[str]

    def value(self, name: str, cell: str) -> Any:
        """Value of a CSV cell; an empty one is null but for text. A cell of another type stays text."""
        kind = self.types.get(self.spelling.get(name.lower(), name), "string")
        if kind in ("string", "time"):
            return cell  # times are read from text exactly
        if cell in ("", "null"):
            return None
        if kind == "bool":
            return _FLAGS.get(cell.lower(), cell)
        try:
            return loads(cell.encode())
        except BadJson:
            return cell


@cache
def documented(dataset: str) -> Documented:
    """The fields of a dataset. Raises KeyError for one that is not documented."""
    groups = from_yaml(FIELDS_FILE.read_text(encoding="utf-8"))[dataset]
    types = {name: kind for kind, names in groups.items() for name in names}
    spelling = {name.lower(): name for name in types}
    return Documented(types, spelling, frozenset((*types, *spelling)))


def whole(record: Mapping[str, Any], name: str, *, required: bool = False) -> int | None:
    """An integer field, as a number or as text that holds one exactly. Raises BadRecord."""
    value = record.get(name)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return fields.whole({name: int(value)}, name, required=required)
    return fields.whole(record, name, required=required)
