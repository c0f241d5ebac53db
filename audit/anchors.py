"""Anchors: heads of the log of seals, written once as objects into a bucket that others keep.

    <anchors>/heads/<size as 12 digits>.json
    {"format": "escrow-anchor/1", "head": {"size", "root", "last_day"}, "previous_size": n, "seals": [...]}

`seals` are those from previous_size to size - 1, so that the objects together hold the whole log. Each is written
before its row in audit.anchors: a run that is killed between the two finds the object and adds the row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from google.cloud import bigquery

from audit import merkle, verifier
from audit.encoding import SEAL, SEAL_FIELDS, canonical
from audit.tables import DATASET
from warehouse.config import Config
from warehouse.storage import Storage

FORMAT = "escrow-anchor/1"
SEAL_COLUMNS = (*SEAL_FIELDS, "seal_hash")
BUCKET, MEMO = "bucket", "memo"
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class AnchorError(RuntimeError):
    """The log can't be anchored, or an anchor disagrees with it; the message names the anchor or the seal."""


class NothingSealed(AnchorError):
    """There is no seal, and so no head."""


@dataclass(frozen=True)
class Head:
    """The log of seals at a size: `root` is hexadecimal, `last_day` the last day that is sealed in it."""

    size: int
    root: str
    last_day: date

    def document(self) -> dict[str, Any]:
        """As it stands in an anchor."""
        return {"size": self.size, "root": self.root, "last_day": self.last_day.isoformat()}


@dataclass(frozen=True)
class Anchor:
    """A row of audit.anchors: a head, and where it was made known (an object's address or a memo's signature)."""

    head: Head
    kind: str
    address: str


@dataclass(frozen=True)
class Anchored:
    """The newest anchor; `is_new`: this run wrote it."""

    head: Head
    address: str
    is_new: bool


def compact(document: Any) -> bytes:
    """A JSON document in its one form: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(document).encode()


def read_seals(client: bigquery.Client) -> list[dict[str, Any]]:
    """All seals in order of seal_no: SEAL_COLUMNS, days as text.

    Raises AnchorError where a number is missing or a seal's hash isn't that of its fields.
    """
    rows = client.query(f"select {', '.join(SEAL_COLUMNS)} from {DATASET}.seals order by seal_no").result()
    seals = [{name: row[name] for name in SEAL_COLUMNS} | {"seal_day": row["seal_day"].isoformat()} for row in rows]
    for number, seal in enumerate(seals):
        if seal["seal_no"] != number:
            raise AnchorError(f"audit.seals has seal {seal['seal_no']} where {number} belongs")
        if seal_hash(seal) != seal["seal_hash"]:
            raise AnchorError(f"audit.seals: seal {number}: seal_hash isn't the hash of its fields")
    return seals


def seal_hash(seal: Mapping[str, Any]) -> str:
    """Leaf hash of a seal's canonical bytes, hexadecimal; days may be dates or text."""
    return merkle.leaf_hash(canonical(SEAL, SEAL_FIELDS, {name: str(seal[name]) for name in SEAL_FIELDS})).hex()


def head_of(seals: Sequence[Mapping[str, Any]]) -> Head:
    """The head over the first seals of the log. Raises NothingSealed."""
    if not seals:
        raise NothingSealed("nothing is sealed yet")
    last = max(date.fromisoformat(seal["seal_day"]) for seal in seals)
    return Head(len(seals), merkle.root(_leaves(seals)).hex(), last)


def read_anchors(client: bigquery.Client) -> list[Anchor]:
    """Rows of audit.anchors by size, kind and address."""
    rows = client.query(
        f"select size, root, last_day, kind, address from {DATASET}.anchors order by size, kind, address"
    ).result()
    return [Anchor(Head(row["size"], row["root"], row["last_day"]), row["kind"], row["address"]) for row in rows]


def add_anchor(client: bigquery.Client, anchor: Anchor, run_id: str) -> None:
    """Add a row to audit.anchors; nothing where the address has one."""
    head, kind = anchor.head, bigquery.ScalarQueryParameter
    client.query(
        f"insert into {DATASET}.anchors (size, root, last_day, kind, address, anchored_at, run_id) "
        "select @size, @root, @last_day, @kind, @address, @anchored_at, @run_id from (select 1) "
        f"where not exists (select 1 from {DATASET}.anchors where address = @address)",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[
                kind("size", "INT64", head.size),
                kind("root", "STRING", head.root),
                kind("last_day", "DATE", head.last_day),
                kind("kind", "STRING", anchor.kind),
                kind("address", "STRING", anchor.address),
                kind("anchored_at", "TIMESTAMP", datetime.now(UTC)),
                kind("run_id", "STRING", run_id),
            ]
        ),
    ).result()


def anchor_body(seals: Sequence[Mapping[str, Any]], previous_size: int) -> bytes:
    """The object that anchors the head over `seals`, after one of `previous_size`."""
    listed = [{name: seal[name] for name in SEAL_COLUMNS} for seal in seals[previous_size:]]
    return compact(
        {"format": FORMAT, "head": head_of(seals).document(), "previous_size": previous_size, "seals": listed}
    )


def anchor_address(config: Config, size: int) -> str:
    """Address of the object that anchors the head of a size."""
    return f"{config.audit.anchors.rstrip('/')}/heads/{size:012d}.json"


def anchor_objects(config: Config) -> dict[int, str]:
    """Size -> address of each anchor in the bucket, the smallest first. Raises AnchorError for another object there."""
    found = {}
    for item in Storage(config).list(f"{config.audit.anchors.rstrip('/')}/heads"):
        name = item.uri.rsplit("/", 1)[1]
        digits = name.removesuffix(".json")
        if not (digits.isdecimal() and item.uri == anchor_address(config, int(digits))):
            raise AnchorError(f"{item.uri} is no anchor's name")
        found[int(digits)] = item.uri
    return dict(sorted(found.items()))


def anchor(config: Config, client: bigquery.Client, run_id: str) -> Anchored:
    """Anchor the head over all seals; writes nothing where it is anchored already.

    Raises AnchorError where nothing is sealed, where an anchor (in the bucket or in audit.anchors) isn't the beginning
    of the log, and where the object is there with other bytes: nothing is ever overwritten.
    """
    seals, storage = read_seals(client), Storage(config)
    head = head_of(seals)
    held = {known.head.size: known for known in read_anchors(client) if known.kind == BUCKET}
    objects = anchor_objects(config)
    for size in held.keys() - objects.keys():
        raise AnchorError(f"{held[size].address} is in audit.anchors and not in the bucket")
    previous = 0
    for size, address in objects.items():
        if size not in held or size == max(objects):  # the others were compared when they were the newest
            _agree(seals, size, storage.read(address), previous, address)
            of_size = head_of(seals[:size])
            if held.get(size, Anchor(of_size, BUCKET, address)).head != of_size:
                raise AnchorError(f"audit.anchors: the head of {size} seals isn't the one anchored at {address}")
            add_anchor(client, Anchor(of_size, BUCKET, address), run_id)
        previous = size
    address = anchor_address(config, head.size)
    if previous == head.size:
        return Anchored(head, address, is_new=False)
    _write_once(storage, address, anchor_body(seals, previous))
    add_anchor(client, Anchor(head, BUCKET, address), run_id)
    return Anchored(head, address, is_new=True)


def anchor_problems(config: Config, client: bigquery.Client, seals: Sequence[Mapping[str, Any]]) -> list[str]:
    """What disagrees between the log and all that was anchored in the bucket: a line each, naming the object or row.

    `seals` are all of the log (read_seals). Memo transactions are read back by audit.memo.
    """
    found, storage, history = verifier.Findings(), Storage(config), verifier.History(seals)
    try:
        objects = anchor_objects(config)
    except AnchorError as error:
        return [str(error)]
    anchors, previous = {}, 0
    for size, address in objects.items():
        anchor = verifier.read_anchor(storage.read(address), address, found)
        if anchor is not None:
            anchors[address] = anchor
            if (anchor["previous_size"], anchor["head"]["size"]) != (previous, size):
                found.problem(address, f"isn't the anchor of {size} seals after one of {previous}")
            if size > len(seals):
                found.problem(address, f"covers {size} seals, the log has {len(seals)}: seals were removed")
        previous = size
    verifier.check_anchors(anchors, seals, found)
    for row in read_anchors(client):
        where = f"audit.anchors ({row.kind} {row.address})"
        verifier.check_head(row.head.document(), history, where, found)
        if row.kind == BUCKET and objects.get(row.head.size) != row.address:
            found.problem(where, "no such object in the bucket")
    return [*found.problems, *found.unchecked]


def _write_once(storage: Storage, address: str, body: bytes) -> None:
    if not storage.exists(address):
        storage.write(address, body)
    if storage.read(address) != body:
        raise AnchorError(f"{address} is there with other bytes; it is not overwritten")


def _agree(seals: Sequence[Mapping[str, Any]], size: int, body: bytes, previous: int, address: str) -> None:
    """Raises AnchorError unless the object is the anchor of these seals' beginning, and the log has only grown."""
    if size > len(seals):
        raise AnchorError(f"{address} covers {size} seals, the log has {len(seals)}: seals were removed")
    leaves, stated = _leaves(seals), _stated_root(body, address)
    proof = merkle.consistency_proof(leaves, size)
    if not merkle.consistent(size, stated, len(leaves), merkle.root(leaves), proof):
        raise AnchorError(
            f"{address}: the log of {len(seals)} seals isn't one that grew from it: {_first(seals, body)}"
        )
    if body != anchor_body(seals[:size], previous):
        raise AnchorError(f"{address} holds other bytes than the anchor of the first {size} seals")


def _stated_root(body: bytes, address: str) -> bytes:
    try:
        return bytes.fromhex(json.loads(body)["head"]["root"])
    except (ValueError, KeyError, TypeError):
        raise AnchorError(f"{address} can't be read as an anchor: it was changed") from None


def _first(seals: Sequence[Mapping[str, Any]], body: bytes) -> str:
    """Which seal of an anchor is the first to differ from the log's."""
    document = json.loads(body)
    first, stated = document.get("previous_size"), document.get("seals")
    if isinstance(first, int) and isinstance(stated, list):
        for number, seal in enumerate(stated, start=first):
            if not 0 <= number < len(seals) or seal != seals[number]:
                return f"seal {number} differs"
    return "a seal before its own differs, or its root was changed"


def _leaves(seals: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [bytes.fromhex(seal["seal_hash"]) for seal in seals]
