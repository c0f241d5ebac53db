"""Everything that the seals say, recomputed from the rows and compared: records, leaves, nodes, seals, anchors.

A verification works through the log a day at a time, so its memory doesn't grow with the log. It reads a Source
(audit/reader.py): the warehouse, or rows at hand. What it finds names the place; one change may be seen at several.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from audit import merkle
from audit.anchors import BUCKET, MEMO, SEAL_COLUMNS, anchor_body, head_of, seal_hash
from audit.own import record_id
from audit.reader import Leaf, Row, Source
from audit.tree_sql import LEVELS, STEP

FIRST = "0" * 64
GRACE = timedelta(hours=1)
"""A record may be added this long before a seal that doesn't hold it: its time is stated before its load commits."""
_TILE = 1 << STEP
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Finding:
    """Something that isn't as it was sealed, and where. `kind` begins with record, leaf, node, seal, index, anchor."""

    kind: str
    what: str
    stream: str | None = None
    day: date | None = None
    position: int | None = None
    record_id: str | None = None
    seal_no: int | None = None
    level: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        places = (
            f"{name.replace('_', ' ')} {value}"
            for name, value in vars(self).items()
            if name not in ("kind", "what") and value is not None
        )
        return f"{self.kind}: {self.what} ({', '.join(places)})"


@dataclass
class Verdict:
    """What was looked at and what was found. `waiting`: records that no seal holds yet, as they came after the last.

    `purged`: sealed records whose rows a purge removed; their hashes were verified, their content wasn't.
    `unanchored`: seals that no anchor covers yet.
    """

    findings: list[Finding] = field(default_factory=list)
    records: int = 0
    days: int = 0
    seals: int = 0
    anchors: int = 0
    waiting: int = 0
    purged: int = 0
    unanchored: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Tree:
    """A tree that is built leaf by leaf; it holds the nodes of level 8 and one tile of leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._tile: list[bytes] = []
        self._tiles: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        self._tile.append(leaf)
        self.size += 1
        if len(self._tile) == _TILE:
            self._tiles.append(merkle.root(self._tile))
            self._tile = []

    def levels(self) -> dict[int, list[bytes]]:
        """Nodes of the kept levels of a tree that is complete."""
        nodes = [*self._tiles, *([merkle.root(self._tile)] if self._tile else [])]
        found, below = {}, self.size
        for level in LEVELS:
            if level > LEVELS[0]:
                nodes = [merkle.root(nodes[start : start + _TILE]) for start in range(0, len(nodes), _TILE)]
            if below > 1:
                found[level] = nodes
            below = len(nodes)
        return found

    def root(self) -> bytes:
        """Root over all leaves."""
        return merkle.root([*self._tiles, merkle.root(self._tile)] if self._tile else self._tiles)


def verify(source: Source, stream: str | None = None, day: date | None = None) -> Verdict:
    """Verify everything, or the records of one stream, one seal day or both. Seals and anchors are always verified."""
    verdict = Verdict()
    seals = source.seals()
    verdict.seals = len(seals)
    verdict.findings += check_seals(seals)
    verdict.findings += check_anchors(seals, source.anchors(), source.objects(), verdict)
    of_day: dict[date, dict[str, Row]] = {}
    for seal in seals:
        of_day.setdefault(seal["seal_day"], {})[seal["stream"]] = seal
    index: Counter[tuple] = Counter()
    for row in source.sealed_days():
        index[row["event_day"], row["stream"], row["seal_day"]] += row["records"] or 0
    removed = source.removed_days("audit.events")
    days = source.days() | of_day.keys() | {key[2] for key in index} if day is None else {day}
    for one in sorted(days, key=lambda value: (value is not None, value)):
        expected = {name: seal for name, seal in of_day.get(one, {}).items() if stream in (None, name)}
        counted = {key: n for key, n in index.items() if key[2] == one and stream in (None, key[1])}
        _check_day(source, one, stream, expected, counted, removed, verdict)
        verdict.findings += _strays(source, one, stream, seals, verdict)
        verdict.days += 1
    verdict.findings = _explained(verdict.findings)
    return verdict


def check_seals(seals: Sequence[Row]) -> Iterator[Finding]:
    """The seals' hashes, numbers, days and chains."""
    numbers = Counter(seal["seal_no"] for seal in seals)
    for number in sorted(set(range(len(seals))) - numbers.keys()):
        yield Finding("seal_missing", "no seal has this number", seal_no=number)
    for seal in seals:
        place = _place(seal)
        if numbers[seal["seal_no"]] > 1:
            yield Finding("seal_repeated", "several seals have this number", **place)
        if _hash_of(seal) != seal["seal_hash"]:
            yield Finding("seal_changed", "the seal's fields don't give its hash", **place)
    by_stream: dict[Any, list[Row]] = {}
    for seal in seals:
        by_stream.setdefault(seal["stream"], []).append(seal)
    for chain in by_stream.values():
        previous: Row | None = None
        for seal in sorted(chain, key=lambda row: (row["seal_day"] is not None, row["seal_day"], row["seal_no"] or 0)):
            place = _place(seal)
            if seal["prev_seal"] != (previous["seal_hash"] if previous else FIRST):
                yield Finding("seal_chain", "the seal doesn't name the stream's one before", **place)
            if previous and None not in (seal["seal_day"], previous["seal_day"]):
                step = (seal["seal_day"] - previous["seal_day"]).days
                if step == 0:
                    yield Finding("seal_repeated", "the stream's day is sealed twice", **place)
                for lost in range(1, min(step, 100)):
                    missing = previous["seal_day"] + timedelta(days=lost)
                    yield Finding("seal_missing", "the stream's day has no seal", seal["stream"], missing)
            previous = seal


def _place(seal: Row) -> dict[str, Any]:
    return {"stream": seal["stream"], "day": seal["seal_day"], "seal_no": seal["seal_no"]}


def _hash_of(seal: Row) -> str | None:
    try:
        return seal_hash(seal_document(seal))
    except (AttributeError, TypeError):
        return None


def seal_document(seal: Row) -> dict[str, Any]:
    """A seal's row as anchors hold it."""
    day = seal["seal_day"]
    return {name: seal[name] for name in SEAL_COLUMNS} | {"seal_day": day.isoformat() if day else None}


def check_anchors(
    seals: Sequence[Row], anchors: Sequence[Row], objects: Mapping[str, bytes], verdict: Verdict
) -> Iterator[Finding]:
    """Each anchored object and each row of audit.anchors against the log of seals."""
    documents = [seal_document(seal) for seal in seals]
    verdict.anchors, previous = len(objects), 0
    for address in sorted(objects):
        size, problem = _anchor_problem(documents, objects[address], address, previous)
        if problem:
            yield problem
        previous = size if size is not None else previous
    verdict.unanchored = max(0, len(seals) - previous)
    for row in anchors:
        if row["kind"] == BUCKET and row["address"] not in objects:
            yield Finding("anchor_missing", "an anchored object is not in the bucket", address=row["address"])
        elif row["kind"] == BUCKET and not row["address"].endswith(f"/{row['size'] or 0:012d}.json"):
            yield Finding("anchor_row", "the row names an object of another size", address=row["address"])
        elif row["kind"] not in (BUCKET, MEMO) or not _is_head(documents, row):
            yield Finding("anchor_row", "audit.anchors has another head than the log of seals", address=row["address"])
    addresses = Counter(row["address"] for row in anchors)
    for address, count in addresses.items():
        if count > 1:
            yield Finding("anchor_row", "the address has several rows in audit.anchors", address=address)


def _anchor_problem(
    documents: Sequence[Mapping[str, Any]], body: bytes, address: str, previous: int
) -> tuple[int | None, Finding | None]:
    """(size in the object's name, what is wrong with it)."""
    digits = address.rsplit("/", 1)[-1].removesuffix(".json")
    if not re.fullmatch(r"\d{12}", digits):
        return None, Finding("anchor_changed", "the object's name is no anchor's", address=address)
    size = int(digits)
    if size > len(documents):
        lost = f"the anchor covers {size} seals, the log has {len(documents)}"
        return size, Finding("anchor_changed", lost, seal_no=len(documents), address=address)
    try:
        expected = anchor_body(documents[:size], previous)
    except (ValueError, TypeError):
        expected = None
    if expected == body:
        return size, None
    differing = _first_difference(documents[:size], body)
    if differing is None:
        return size, Finding("anchor_changed", "the object isn't the anchor of these seals", address=address)
    what = "the object and audit.seals hold different seals of this number"
    seal = documents[differing] if differing < len(documents) else {"stream": None}
    return size, Finding("anchor_changed", what, seal["stream"], seal_no=differing, address=address)


def _first_difference(documents: Sequence[Mapping[str, Any]], body: bytes) -> int | None:
    try:
        anchored = json.loads(body)
        start, stated = int(anchored["previous_size"]), list(anchored["seals"])
    except (ValueError, KeyError, TypeError):
        return None
    pairs = zip(range(start, start + len(stated)), stated, strict=True)
    return next((n for n, seal in pairs if not 0 <= n < len(documents) or seal != documents[n]), None)


def _is_head(documents: Sequence[Mapping[str, Any]], row: Row) -> bool:
    size = row["size"]
    if not size or not 0 < size <= len(documents):
        return False
    try:
        head = head_of(documents[:size])
    except (ValueError, TypeError):
        return False
    return (head.root, head.last_day) == (row["root"], row["last_day"])


def _check_day(
    source: Source,
    day: date | None,
    stream: str | None,
    seals: Mapping[str, Row],
    index: Mapping[tuple, int],
    removed: Sequence[tuple[date, date]],
    verdict: Verdict,
) -> None:
    """Leaves, their records and the nodes of one seal day."""
    trees: dict[str | None, Tree] = {}
    counted: Counter[tuple] = Counter()
    for name, leaves in groupby(source.leaves(day, stream), key=lambda leaf: leaf.stream):
        seal = seals.get(name)
        if seal is None:
            verdict.findings.append(Finding("leaf_unknown", "leaves of a day that has no seal", name, day))
        check = _Leaves(day, name, seal["records"] if seal else None, removed)
        for leaf in leaves:
            verdict.findings += check.add(leaf)
        verdict.findings += check.end()
        trees[name] = check.tree
        counted.update({(event_day, name, day): count for event_day, count in check.event_days.items()})
        verdict.records += check.tree.size
        verdict.purged += check.purged
        if seal and check.late != seal["late_records"]:
            what = f"the seal counts {seal['late_records']} late records, the leaves {check.late}"
            verdict.findings.append(Finding("seal_count", what, **_place(seal)))
    for name, seal in seals.items():
        tree = trees.setdefault(name, Tree())
        if tree.size == 0 and seal["records"]:
            verdict.findings.append(Finding("leaf_missing", "no leaf of the seal is there", name, day, 0))
        if tree.root().hex() != seal["root"]:
            what = "the leaves come to another root than the sealed one"
            verdict.findings.append(Finding("seal_root", what, **_place(seal)))
    verdict.findings += _check_nodes(source.nodes(day, stream), day, trees)
    for key in sorted(counted.keys() | index.keys(), key=str):
        if counted[key] != index.get(key, 0):
            what = f"audit.sealed_days counts {index.get(key, 0)} records of {key[0]}, the leaves {counted[key]}"
            verdict.findings.append(Finding("index_changed", what, key[1], day))


class _Leaves:
    """Follows the leaves of one seal in order."""

    def __init__(
        self, day: date | None, stream: str | None, records: int | None, removed: Sequence[tuple[date, date]]
    ) -> None:
        self.tree, self.late, self.purged = Tree(), 0, 0
        self.event_days: Counter[date | None] = Counter()
        self._day, self._stream, self._records, self._removed = day, stream, records, removed
        self._next = 0
        self._last: Leaf | None = None
        self._order: tuple | None = None

    def add(self, leaf: Leaf) -> Iterator[Finding]:
        """Compare the next row, which has the last one's position or a greater one."""
        last, self._last = self._last, leaf
        if last is not None and last[:4] == leaf[:4] and last.event is not None and last.event is not leaf.event:
            yield self._found("record_repeated", "audit.events or audit.leaves has this row twice", leaf)
            return
        if leaf.position is None or leaf.position < self._next:
            yield self._found("leaf_repeated", "several leaves have this position, or it is none", leaf)
        elif leaf.position > self._next:
            yield from self._missing(leaf.position)
        if self._records is not None and leaf.position is not None and leaf.position >= self._records:
            yield self._found("leaf_added", f"the seal has {self._records} records only", leaf)
        if leaf.record_id is None or not _HASH.fullmatch(leaf.record_id):
            yield self._found("leaf_changed", "the leaf's record_id is no hash", leaf)
            self.tree.add(bytes(32))
        else:
            self.tree.add(bytes.fromhex(leaf.record_id))
        self._next = max(self._next, (leaf.position or 0) + 1)
        self.event_days[leaf.event_day] += 1
        if leaf.event_day is None or self._day is None or leaf.event_day > self._day:
            yield self._found("leaf_changed", "the leaf's event_day is after its seal", leaf)
        else:
            self.late += leaf.event_day < self._day
        yield from self._record(leaf)

    def end(self) -> Iterator[Finding]:
        """What should have followed."""
        if self._records is not None and self._next < self._records:
            yield from self._missing(self._records)

    def _record(self, leaf: Leaf) -> Iterator[Finding]:
        if leaf.event is None:
            if leaf.event_day and any(first <= leaf.event_day <= last for first, last in self._removed):
                self.purged += 1
            else:
                yield self._found("record_missing", "the record that the leaf names is not in audit.events", leaf)
            return
        if record_id(leaf.event) != leaf.record_id:
            yield self._found("record_changed", "the record's fields don't give its record_id", leaf)
        order = tuple(leaf.event[name] for name in ("at", "source", "source_key"))
        if None in order:
            return
        if self._order is not None and order < self._order:
            what = "the record stands behind one that it belongs before (by at, source, source_key)"
            yield self._found("leaf_order", what, leaf)
        self._order = order

    def _missing(self, until: int) -> Iterator[Finding]:
        what = f"no leaf from position {self._next} to {until - 1}"
        yield Finding("leaf_missing", what, self._stream, self._day, self._next)
        self._next = until

    def _found(self, kind: str, what: str, leaf: Leaf) -> Finding:
        return Finding(kind, what, self._stream, self._day, leaf.position, leaf.record_id)


def _check_nodes(rows: Iterable[Row], day: date | None, trees: Mapping[str | None, Tree]) -> Iterator[Finding]:
    stored: dict[tuple, str | None] = {}
    for row in rows:
        key = row["stream"], row["level"], row["position"]
        if key in stored:
            yield Finding("node_repeated", "the node stands twice", key[0], day, key[2], level=key[1])
        stored[key] = row["node_hash"]
    for stream, tree in trees.items():
        for level, nodes in tree.levels().items():
            for position, node in enumerate(nodes):
                place = {"stream": stream, "day": day, "position": position, "level": level}
                held = stored.pop((stream, level, position), None)
                if held is None:
                    yield Finding("node_missing", "a node of the tree is not in audit.tree_nodes", **place)
                elif held != node.hex():
                    yield Finding("node_changed", "the leaves come to another node than the kept one", **place)
    for stream, level, position in sorted(stored, key=str):
        yield Finding("node_added", "a node that the tree doesn't have", stream, day, position, level=level)


def _strays(
    source: Source, day: date | None, stream: str | None, seals: Sequence[Row], verdict: Verdict
) -> Iterator[Finding]:
    """Events of a day that no leaf has: changed, never sealed, or waiting for the next seal."""
    sealings: dict[str, list[Row]] = {}
    for seal in seals:
        sealings.setdefault(seal["stream"], []).append(seal)
    for event in source.strays(day, stream):
        place = {"stream": event["stream"], "day": day, "record_id": event["record_id"]}
        if _record_id(event) != event["record_id"]:
            yield Finding("record_changed", "the record's fields don't give its record_id; no leaf has it", **place)
            continue
        later = [
            seal
            for seal in sealings.get(event["stream"], [])
            if seal["seal_day"] and seal["sealed_at"] and seal["seal_day"] >= event["event_day"]
        ]
        if any(event["added_at"] is None or event["added_at"] + GRACE < seal["sealed_at"] for seal in later):
            yield Finding(
                "record_unsealed", "the record was there when its day was sealed, and no seal has it", **place
            )
        else:
            verdict.waiting += 1


def _record_id(event: Row) -> str | None:
    try:
        return record_id(event)
    except (ValueError, TypeError, OverflowError):
        return None


def _explained(findings: list[Finding]) -> list[Finding]:
    """Findings as they are, with one more where a missing record stands under another day: it was dated anew."""
    missing = {f.record_id: f for f in findings if f.kind == "record_missing"}
    moved = [
        Finding(
            "record_redated",
            f"the record that was sealed with the day of {missing[f.record_id].day} has another day or stream now: "
            f"{f.stream}, {f.day}",
            missing[f.record_id].stream, missing[f.record_id].day, missing[f.record_id].position, f.record_id,
        )
        for f in findings
        if f.kind in ("record_changed", "record_unsealed") and f.position is None and f.record_id in missing
    ]  # fmt: skip
    return [*moved, *findings]
