"""Recorded Stripe objects from a folder: single objects, lists, JSON arrays, or a map {"resources": {name: object}}."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.stripe_store import RESOURCE_OF_TYPE, Object

EMPTY_BALANCE: Object = {"object": "balance", "available": [], "connect_reserved": [], "livemode": False, "pending": []}


@dataclass
class RecordedStripe:
    """What a folder holds. Objects are kept as they are, whatever the types of their fields.

    `unserved` counts objects of kinds that the API server does not list. `unusable` are the files that are no Stripe
    data, or that hold something beside it: an element without id and type, or another version of a listed object.
    """

    objects: dict[str, list[Object]] = field(default_factory=dict)
    balance: Object = field(default_factory=lambda: dict(EMPTY_BALANCE))
    unserved: Counter[str] = field(default_factory=Counter)
    unusable: list[Path] = field(default_factory=list)


def load_json(body: bytes) -> Any:
    """Strict JSON (no NaN, no Infinity). Raises ValueError, also for nesting too deep to read."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(body, parse_constant=refuse)
    except RecursionError as problem:
        raise ValueError("nested too deep") from problem


def read_stripe(folder: Path) -> RecordedStripe:
    """Read every *.json below `folder` in order of path; a missing folder holds nothing. Of one id the first counts."""
    found = RecordedStripe()
    seen: dict[str, Object] = {}
    for path in sorted(folder.rglob("*.json")):
        if path.is_file() and not _take(path, found, seen):
            found.unusable.append(path)
    return found


def _take(path: Path, found: RecordedStripe, seen: dict[str, Object]) -> bool:
    """Add a file's objects; False where the file, or part of it, could not be used."""
    try:
        value = load_json(path.read_bytes())
    except ValueError:
        return False
    is_map = isinstance(value, dict) and isinstance(value.get("resources"), dict)
    whole = True
    for item in _items(value):
        kind = item.get("object") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            # A map of resources also holds kinds that are no objects with a name of their own.
            whole = whole and is_map
        elif kind == "balance":
            found.balance = item
        elif kind not in RESOURCE_OF_TYPE or item.get("deleted") is True:  # lists leave deleted objects out
            found.unserved[f"deleted_{kind}" if item.get("deleted") is True else kind] += 1
        elif not isinstance(item.get("id"), str) or not item["id"]:
            whole = False
        elif item["id"] not in seen:
            seen[item["id"]] = item
            found.objects.setdefault(RESOURCE_OF_TYPE[kind], []).append(item)
        elif seen[item["id"]] != item:
            whole = False
    return whole


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict) and isinstance(value.get("resources"), dict):
        yield from value["resources"].values()
    elif isinstance(value, dict) and isinstance(value.get("data"), list):
        yield from value["data"]
    else:
        yield value
