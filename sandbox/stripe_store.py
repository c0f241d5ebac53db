"""What the Stripe API server serves: objects by resource, in Stripe's list order, with filters, pages and expansion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

# List resource -> (object type, filters beside `created` and the paging parameters).
RESOURCES: dict[str, tuple[str, frozenset[str]]] = {
    "customers": ("customer", frozenset({"email"})),
    "charges": ("charge", frozenset({"customer", "payment_intent", "transfer_group"})),
    "payment_intents": ("payment_intent", frozenset({"customer"})),
    "refunds": ("refund", frozenset({"charge", "payment_intent"})),
    "disputes": ("dispute", frozenset({"charge", "payment_intent"})),
    "payouts": ("payout", frozenset({"status", "destination"})),
    "balance_transactions": ("balance_transaction", frozenset({"type", "currency", "source", "payout"})),
    "events": ("event", frozenset({"type", "types", "delivery_success"})),
}
RESOURCE_OF_TYPE = {kind: resource for resource, (kind, _) in RESOURCES.items()}


class UnknownCursor(LookupError):
    """`starting_after` or `ending_before` names no object of the resource; carries (object type, id)."""


class NotExpandable(LookupError):
    """An `expand` path leads to no reference; carries the path."""


@dataclass(frozen=True)
class Page:
    """One page of a list, newest first."""

    data: list[Object]
    has_more: bool


@dataclass(frozen=True)
class Query:
    """A list request. `created` maps gt|gte|lt|lte|eq to unix seconds; `filters` maps a field to accepted values."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created: Mapping[str, int] = field(default_factory=dict)
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)


class StripeStore:
    """Objects as they stand, served without change.

    `objects`: resource -> objects, oldest first among equal times. `balance`: the singleton balance object.
    `payout_of`: txn id -> payout id, for the `payout` filter. `listed_at`: object id -> unix seconds at which it is
    listed where that is not its `created` (recorded objects without a usable one must still be found by their time).
    `unlisted`: resource -> objects that can be retrieved and are in no list (deleted ones).
    """

    def __init__(
        self,
        objects: Mapping[str, Sequence[Object]],
        balance: Object,
        payout_of: Mapping[str, str] | None = None,
        listed_at: Mapping[str, int] | None = None,
        unlisted: Mapping[str, Sequence[Object]] | None = None,
    ) -> None:
        self.balance = balance
        times = listed_at or {}
        self._payout_of = dict(payout_of or {})
        self._lists: dict[str, list[tuple[int, Object]]] = {}
        self._places: dict[str, dict[str, int]] = {}
        self._by_id: dict[str, Object] = {}
        self._unlisted = {name: {obj["id"]: obj for obj in held} for name, held in (unlisted or {}).items()}
        for resource in RESOURCES:
            dated = [
                (times[obj["id"]] if obj["id"] in times else obj["created"], obj) for obj in objects.get(resource, ())
            ]
            # Later objects first; the reverse keeps equal times in newest-first order too.
            ordered = dated[::-1]
            ordered.sort(key=lambda item: -item[0])
            self._lists[resource] = ordered
            self._places[resource] = {obj["id"]: place for place, (_, obj) in enumerate(ordered)}
            self._by_id |= {obj["id"]: obj for _, obj in ordered}

    def count(self, resource: str) -> int:
        """Number of objects of a resource."""
        return len(self._lists[resource])

    def get(self, resource: str, object_id: str) -> Object | None:
        """One object, or None."""
        place = self._places[resource].get(object_id)
        if place is None:
            return self._unlisted.get(resource, {}).get(object_id)
        return self._lists[resource][place][1]

    def page(self, resource: str, query: Query) -> Page:
        """The page a list request asks for. Raises UnknownCursor."""
        kind = RESOURCES[resource][0]
        places = self._places[resource]
        cursor = query.starting_after or query.ending_before
        if cursor is not None and cursor not in places:
            raise UnknownCursor(kind, cursor)
        rows = self._lists[resource]
        if query.starting_after is not None:
            rows = rows[places[query.starting_after] + 1 :]
        elif query.ending_before is not None:
            rows = rows[: places[query.ending_before]]
        found = [obj for created, obj in rows if self._matches(created, obj, query)]
        if query.ending_before is not None:  # the page that ends right before the cursor
            return Page(found[-query.limit :], len(found) > query.limit)
        return Page(found[: query.limit], len(found) > query.limit)

    def _matches(self, created: int, obj: Object, query: Query) -> bool:
        compare = {
            "gt": created.__gt__,
            "gte": created.__ge__,
            "lt": created.__lt__,
            "lte": created.__le__,
            "eq": created.__eq__,
        }
        if not all(compare[bound](value) for bound, value in query.created.items()):
            return False
        return all(self._accepts(obj, name, values) for name, values in query.filters.items())

    def _accepts(self, obj: Object, name: str, values: Sequence[str]) -> bool:
        if name == "payout":
            return self._payout_of.get(obj["id"]) in values
        if name == "delivery_success":
            return (obj.get("pending_webhooks") == 0) == (values[0] == "true")
        actual = obj.get("type" if name == "types" else name)
        if name == "type" and obj.get("object") == "event":  # `charge.*` names a group of events
            return any(actual == v or (v.endswith("*") and str(actual).startswith(v[:-1])) for v in values)
        return actual in values

    def expand(self, obj: Object, path: str) -> Object:
        """A copy of `obj` in which the reference at the dotted `path` is the object itself. Raises NotExpandable."""
        name, _, rest = path.partition(".")
        if not isinstance(obj, dict) or name not in obj:
            raise NotExpandable(path)
        value = obj[name]
        if isinstance(value, str):
            value = self._by_id.get(value)
            if value is None:
                raise NotExpandable(path)
        if rest and value is not None:
            value = [self.expand(v, rest) for v in value] if isinstance(value, list) else self.expand(value, rest)
        return {**obj, name: value}
