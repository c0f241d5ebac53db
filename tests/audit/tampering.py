"""Single random changes to a sealed log, and where each must be found. Each change can be undone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from audit.encoding import RECORD_FIELDS
from audit.own import record_id
from audit.reader import Rows
from audit.verify import Finding

SEALED_FIELDS = ("seal_no", "seal_day", "stream", "records", "late_records", "root", "prev_seal", "seal_hash")


@dataclass
class Change:
    """What was done, how to undo it, and whether a finding names the place."""

    what: str
    undo: Callable[[], None]
    located: Callable[[Finding], bool]


def changed_value(rng: random.Random, value: Any) -> Any:
    """The value with one bit (of its text, its number, its time) changed."""
    match value:
        case datetime():
            return value + rng.choice((-1, 1)) * timedelta(microseconds=1 << rng.randrange(20))
        case date():
            return value + rng.choice((-1, 1)) * timedelta(days=1 << rng.randrange(3))
        case Decimal():
            return Decimal(int(value) ^ 1 << rng.randrange(40))
        case int():
            return value ^ 1 << rng.randrange(20)
        case str() if value:
            at = rng.randrange(len(value))
            return value[:at] + chr(ord(value[at]) ^ 1 << rng.randrange(5)) + value[at + 1 :]
        case _:
            return "1"


def random_change(rng: random.Random, rows: Rows) -> Change:
    """Make one change of a random kind."""
    return rng.choice(KINDS)(rng, rows)


def _event_field(rng: random.Random, rows: Rows) -> Change:
    event = rng.choice(_sealed_events(rows))
    name = rng.choice(("record_id", *RECORD_FIELDS))
    return _set(rng, event, name, f"audit.events.{name}", _at_record(rows, event["record_id"]), _leaf_of(rows, event))


def _event_dated_anew(rng: random.Random, rows: Rows) -> Change:
    """A record moved to another day, its time and hash made to fit."""
    event = rng.choice(_sealed_events(rows))
    before, leaf = dict(event), _leaf_of(rows, event)
    event["at"] += rng.choice((-2, -1, 1, 2)) * timedelta(days=1)
    event["event_day"] = event["at"].date()
    if rng.random() < 0.5:
        event["record_id"] = record_id(event)
    return Change(f"{before['source_key']} dated anew", lambda: event.update(before), _at_leaf(leaf))


def _event_removed(rng: random.Random, rows: Rows) -> Change:
    event = rng.choice(_sealed_events(rows))
    return _remove(rows.events, event, "a row of audit.events removed", _at_leaf(_leaf_of(rows, event)))


def _event_added(rng: random.Random, rows: Rows) -> Change:
    event = dict(rng.choice(_sealed_events(rows)))
    event["source_key"] += "x"
    event["record_id"] = record_id(event)
    where = _at_record(rows, event["record_id"])
    return _insert(rng, rows.events, event, "a row of audit.events added", where)


def _event_doubled(rng: random.Random, rows: Rows) -> Change:
    event = dict(rng.choice(_sealed_events(rows)))
    return _insert(rng, rows.events, event, "a row of audit.events doubled", _at_leaf(_leaf_of(rows, event)))


def _leaf_field(rng: random.Random, rows: Rows) -> Change:
    leaf = rng.choice(rows.leaf_rows)
    name = rng.choice(("seal_day", "stream", "position", "record_id", "event_day"))
    return _set(rng, leaf, name, f"audit.leaves.{name}", _at_leaf(dict(leaf)), None)


def _leaves_swapped(rng: random.Random, rows: Rows) -> Change:
    one = rng.choice(rows.leaf_rows)
    beside = [row for row in rows.leaf_rows if _tree(row) == _tree(one) and row is not one]
    if not beside:
        return _leaves_swapped(rng, rows)
    other = rng.choice(beside)
    before = one["position"], other["position"]
    one["position"], other["position"] = before[1], before[0]

    def undo() -> None:
        one["position"], other["position"] = before

    places = [_at_leaf(dict(one)), _at_leaf(dict(other))]
    return Change(f"leaves {before} of {_tree(one)} swapped", undo, lambda f: any(place(f) for place in places))


def _leaf_removed(rng: random.Random, rows: Rows) -> Change:
    leaf = rng.choice(rows.leaf_rows)
    return _remove(rows.leaf_rows, leaf, "a row of audit.leaves removed", _at_leaf(dict(leaf)))


def _leaf_doubled(rng: random.Random, rows: Rows) -> Change:
    leaf = dict(rng.choice(rows.leaf_rows))
    return _insert(rng, rows.leaf_rows, leaf, "a row of audit.leaves doubled", _at_leaf(leaf))


def _node_field(rng: random.Random, rows: Rows) -> Change:
    node = rng.choice(rows.node_rows)
    name = rng.choice(("seal_day", "stream", "level", "position", "node_hash"))
    return _set(rng, node, name, f"audit.tree_nodes.{name}", _at_node(dict(node)), None)


def _node_removed(rng: random.Random, rows: Rows) -> Change:
    node = rng.choice(rows.node_rows)
    return _remove(rows.node_rows, node, "a row of audit.tree_nodes removed", _at_node(dict(node)))


def _seal_field(rng: random.Random, rows: Rows) -> Change:
    seal = rng.choice(rows.seal_rows)
    name = rng.choice(SEALED_FIELDS)
    return _set(rng, seal, name, f"audit.seals.{name}", _at_seal(dict(seal)), None)


def _seal_removed(rng: random.Random, rows: Rows) -> Change:
    seal = rng.choice(rows.seal_rows)
    return _remove(rows.seal_rows, seal, "a row of audit.seals removed", _at_seal(dict(seal)))


def _index_field(rng: random.Random, rows: Rows) -> Change:
    row = rng.choice(rows.sealed_day_rows)
    before = dict(row)
    name = rng.choice(("event_day", "stream", "seal_day", "records"))
    where = lambda f: f.kind == "index_changed" and (f.stream, f.day) == (before["stream"], before["seal_day"])  # noqa: E731
    return _set(rng, row, name, f"audit.sealed_days.{name}", where, None)


def _anchor_row(rng: random.Random, rows: Rows) -> Change:
    row = rng.choice(rows.anchor_rows)
    before = dict(row)
    name = rng.choice(("size", "root", "last_day", "kind", "address"))

    def where(finding: Finding) -> bool:
        return finding.kind.startswith("anchor_") and finding.address in (before["address"], row["address"])

    return _set(rng, row, name, f"audit.anchors.{name}", where, None)


def _anchor_bit(rng: random.Random, rows: Rows) -> Change:
    address = rng.choice(sorted(rows.bodies))
    before = rows.bodies[address]
    at = rng.randrange(len(before))
    rows.bodies[address] = before[:at] + bytes([before[at] ^ 1 << rng.randrange(8)]) + before[at + 1 :]
    undo = lambda: rows.bodies.__setitem__(address, before)  # noqa: E731
    return Change(f"byte {at} of {address}", undo, lambda f: f.kind == "anchor_changed" and f.address == address)


def _anchor_removed(rng: random.Random, rows: Rows) -> Change:
    address = rng.choice(sorted(rows.bodies))
    before = rows.bodies.pop(address)
    undo = lambda: rows.bodies.__setitem__(address, before)  # noqa: E731
    return Change(f"{address} removed", undo, lambda f: f.kind == "anchor_missing" and f.address == address)


KINDS = (
    *(_event_field, _event_dated_anew, _event_removed, _event_added, _event_doubled, _leaf_field, _leaves_swapped),
    *(_leaf_removed, _leaf_doubled, _node_field, _node_removed, _seal_field, _seal_removed, _index_field),
    *(_anchor_row, _anchor_bit, _anchor_removed),
)


def _set(rng, row: dict, name: str, what: str, where, leaf) -> Change:
    before = row[name]
    row[name] = changed_value(rng, before)
    located = where if leaf is None else lambda finding: where(finding) or _at_leaf(leaf)(finding)
    return Change(f"{what}: {before!r} -> {row[name]!r}", lambda: row.__setitem__(name, before), located)


def _remove(rows: list, row: dict, what: str, where) -> Change:
    at = next(n for n, one in enumerate(rows) if one is row)
    rows.pop(at)
    return Change(f"{what}: {row}", lambda: rows.insert(at, row), where)


def _insert(rng, rows: list, row: dict, what: str, where) -> Change:
    rows.insert(rng.randrange(len(rows) + 1), row)

    def undo() -> None:
        rows.pop(next(n for n, one in enumerate(rows) if one is row))

    return Change(f"{what}: {row}", undo, where)


def _tree(row: dict) -> tuple:
    return row["seal_day"], row["stream"]


def _sealed_events(rows: Rows) -> list[dict]:
    sealed = {row["record_id"] for row in rows.leaf_rows}
    return [event for event in rows.events if event["record_id"] in sealed]


def _leaf_of(rows: Rows, event: dict) -> dict:
    return next(dict(row) for row in rows.leaf_rows if row["record_id"] == event["record_id"])


def _at_record(rows: Rows, record: str):
    return lambda finding: finding.record_id == record and finding.kind.startswith("record_")


def _at_leaf(leaf: dict):
    """A finding at the leaf's own position of its seal."""
    place = leaf["stream"], leaf["seal_day"], leaf["position"]
    return lambda f: (f.stream, f.day, f.position) == place and f.kind.startswith(("leaf_", "record_"))


def _at_node(node: dict):
    place = node["stream"], node["seal_day"], node["level"], node["position"]
    return lambda f: (f.stream, f.day, f.level, f.position) == place and f.kind.startswith("node_")


def _at_seal(seal: dict):
    def located(finding: Finding) -> bool:
        same_day = (finding.stream, finding.day) == (seal["stream"], seal["seal_day"])
        return finding.kind.startswith(("seal_", "anchor_", "leaf_")) and (
            finding.seal_no == seal["seal_no"] or same_day
        )

    return located
