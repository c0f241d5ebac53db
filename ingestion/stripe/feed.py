"""Which objects an event says have changed.

An event's payload is in the API version of the account and shows the object as it was: it names, and never tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.stripe.columns import RESOURCE_OF_TYPE

_CHANGES_TOO = {"dispute": {"charge": "charges"}, "refund": {"charge": "charges"}}
"""Objects that change with the one that an event is about, without an event of their own: type -> field -> resource."""


@dataclass(frozen=True)
class Named:
    """An object that an event names; the same object is equal, whatever else the event says of it.

    `created`: unix seconds as the event states them.
    """

    resource: str
    id: str
    created: int | None = field(default=None, compare=False)


def named(event: Any) -> Iterator[Named]:
    """The objects that an event says have changed."""
    data = event.get("data") if isinstance(event, Mapping) else None
    changed = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(changed, Mapping):
        return
    kind = changed.get("object")
    resource, identity, created = RESOURCE_OF_TYPE.get(str(kind)), changed.get("id"), changed.get("created")
    if resource and isinstance(identity, str):
        stated = created if isinstance(created, int) and not isinstance(created, bool) else None
        yield Named(resource, identity, stated)
    for name, other in _CHANGES_TOO.get(str(kind), {}).items():
        value = changed.get(name)
        value = value.get("id") if isinstance(value, Mapping) else value
        if isinstance(value, str):
            yield Named(other, value)
